//! A service that holds what one thread keeps for itself.
//~ ERRORS 1..=2
use modi::prelude::*;
use std::cell::Cell;

#[injectable]
struct Counter { //~ ERROR `Cell<u32>` cannot be shared between threads safely
    #[default]
    count: Cell<u32>,
}

#[module(providers = [Counter])]
struct AppModule;

fn main() {}
