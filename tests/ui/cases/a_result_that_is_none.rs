//! A result that is neither a message nor an outcome.
use modi::prelude::*;

#[subscriber("orders.created")]
async fn order_created(Json(id): Json<u32>) -> u32 { //~ ERROR `u32` is not a result of a handler
    id
}

#[module(subscribers = [order_created])]
struct OrderModule;

fn main() {}
