//! A result without `publish = ".."`.
use modi::prelude::*;

#[subscriber("orders.created")] //~ ERROR handler `order_created` returns a message to publish and does not say where
async fn order_created(Json(id): Json<u32>) -> Json<u32> {
    Json(id)
}

#[module(subscribers = [order_created])]
struct OrderModule;

fn main() {}
