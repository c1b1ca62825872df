//! An argument that is neither the payload nor a service.
use modi::prelude::*;

#[subscriber("orders.created")]
async fn order_created(
    _id: u32, //~ NOTE unsatisfied trait bound introduced here
) {
}

#[module(subscribers = [order_created])] //~ ERROR `u32` is not an argument of a handler
struct OrderModule;

fn main() {}
