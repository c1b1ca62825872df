//! A service that holds what one thread keeps for itself.
use modi::prelude::*;
use std::cell::Cell;

#[injectable]
struct Counter {
    #[default]
    count: Cell<u32>,
}

#[module(providers = [Counter])]
struct AppModule;

fn main() {}
