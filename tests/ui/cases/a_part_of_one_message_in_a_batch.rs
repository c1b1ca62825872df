//! A handler of batches takes lists of parts, and services; it publishes with a `Publisher`.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
struct Orders;

#[subscriber("a", batch = 10)] //~ ERROR handler `one` handles batches, and takes a part of one message: write `Vec<_>` around it
async fn one(_number: Json<u32>) {}

#[subscriber("b", batch = 10)] //~ ERROR handler `services` takes a `Vec` of services: take one, without the `Vec`
async fn services(_orders: Vec<Arc<Orders>>) {}

#[subscriber("c", batch = 10, publish = "d")] //~ ERROR handler `publishes` handles batches: it publishes with a `Publisher`, not by its result
async fn publishes(_numbers: Vec<Json<u32>>) {}

#[subscriber("e", batch = 10, concurrency = 4)] //~ ERROR handler `several` handles one batch at a time: leave `concurrency` out
async fn several(_numbers: Vec<Json<u32>>) {}

#[module(providers = [Orders], subscribers = [one, services, publishes, several])]
struct AppModule;

fn main() {}
