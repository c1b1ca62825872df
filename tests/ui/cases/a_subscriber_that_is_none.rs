//! A service among the subscribers that has no handler.
use modi::prelude::*;

#[injectable]
struct Orders;

#[module(subscribers = [Orders])] //~ ERROR `Orders` is not a subscriber of module `OrderModule`
struct OrderModule;

fn main() {}
