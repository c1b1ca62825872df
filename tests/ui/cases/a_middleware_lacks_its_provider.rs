//! A middleware of a handler, and one of a module, that nobody provides.
use modi::Middleware;
use modi::prelude::*;

#[injectable]
struct Audit;
impl Middleware for Audit {}

#[injectable]
struct Timing;
impl Middleware for Timing {}

#[subscriber(
    "orders.created",
    middleware = [Timing], //~ NOTE unsatisfied trait bound introduced here
)]
async fn order_created(Json(_id): Json<u32>) {}

#[module(
    subscribers = [order_created], //~ ERROR module `OrderModule` has no provider for `Timing`
    middleware = [Audit], //~ ERROR module `OrderModule` has no provider for `Audit`
)]
struct OrderModule;

fn main() {}
