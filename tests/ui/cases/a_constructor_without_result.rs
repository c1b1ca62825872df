//! A function that provides nothing, and a `#[constructor]` that makes something else.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users {
    #[constructor]
    fn new() {}
}

#[injectable]
fn pool() {}

#[module(providers = [Users, pool])]
struct AppModule;

fn main() {}
