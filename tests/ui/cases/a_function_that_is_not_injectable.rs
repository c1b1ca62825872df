//! A function without `#[injectable]`: rustc's own words, for no attribute sees what a name stands for.
use modi::prelude::*;

fn pool() -> u32 {
    7
}

#[module(providers = [pool])] //~ ERROR expected type, found function `pool`
struct AppModule;

fn main() {
    pool();
}
