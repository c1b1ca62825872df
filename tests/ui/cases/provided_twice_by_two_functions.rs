//! Two functions that provide one type: both entries are shown.
//~ ERRORS 1..=2
use modi::prelude::*;

struct Pool;
#[injectable]
fn small() -> Pool {
    Pool
}
#[injectable]
fn large() -> Pool {
    Pool
}

#[module(providers = [
    small, //~ NOTE first implementation here
    large, //~ ERROR conflicting implementations of trait
])]
struct AppModule;

fn main() {}
