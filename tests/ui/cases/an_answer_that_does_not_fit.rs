//! `reply` without a message, and beside `publish`.
use modi::prelude::*;

#[subscriber("price.of", reply)] //~ ERROR handler `silent` has `reply`, and its result is no answer
async fn silent(Json(_id): Json<u32>) {}

#[subscriber("price.of", publish = "prices", reply)] //~ ERROR handler `both` has `publish` and `reply`
async fn both(Json(id): Json<u32>) -> Json<u32> {
    Json(id)
}

#[subscriber("price.of", publish = [])] //~ ERROR handler `nowhere` has `publish = []`: name a topic
async fn nowhere(Json(id): Json<u32>) -> Json<u32> {
    Json(id)
}

#[module(subscribers = [silent, both, nowhere])]
struct PriceModule;

fn main() {}
