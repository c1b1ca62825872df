//! A service that a handler takes and nobody provides.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
struct Stock;

#[subscriber("orders.created")]
async fn order_created(
    Json(_id): Json<u32>,
    _stock: Arc<Stock>, //~ NOTE unsatisfied trait bound introduced here
) {
}

#[module(subscribers = [order_created])] //~ ERROR module `OrderModule` has no provider for `Stock`
//~| NOTE add it to `providers = [..]` of `OrderModule`, or import it by name from a module that exports it
struct OrderModule;

fn main() {}
