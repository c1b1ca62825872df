//! A function without `#[injectable]`.
use modi::prelude::*;

fn pool() -> u32 {
    7
}

#[module(providers = [pool])]
struct AppModule;

fn main() {
    pool();
}
