//! A service that is listed as a middleware and is none, above a handler and in a module.
use modi::prelude::*;

#[injectable]
struct Audit;

#[subscriber(
    "orders.created",
    middleware = [Audit], //~ ERROR `Audit` is not a middleware
)]
async fn order_created(Json(_id): Json<u32>) {}

#[module(
    providers = [Audit],
    subscribers = [order_created],
    middleware = [Audit], //~ ERROR `Audit` is not a middleware
)]
struct OrderModule;

fn main() {}
