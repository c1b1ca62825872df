//! A service that a handler of a service takes and nobody provides.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
struct Stock;

#[injectable]
struct Events;

#[subscriber]
impl Events {
    #[subscribe("orders.created")]
    async fn order_created(
        &self,
        _stock: Arc<Stock>, //~ NOTE unsatisfied trait bound introduced here
    ) {
    }
}

#[module(subscribers = [Events])] //~ ERROR module `OrderModule` has no provider for `Stock`
struct OrderModule;

fn main() {}
