//! A function that provides nothing, and a `#[constructor]` that makes something else.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users {
    #[constructor]
    fn new() {} //~ ERROR the constructor makes nothing: it must return `Self` or `Result<Self, _>`
}

#[injectable]
fn pool() {} //~ ERROR the function provides nothing: it must return the service

#[module(providers = [Users, pool])]
struct AppModule;

fn main() {}
