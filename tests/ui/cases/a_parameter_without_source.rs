//! A parameter that is no dependency.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users {
    fn new(
        _count: u32,
    ) -> Self {
        Self
    }
}

#[module(providers = [Users])]
struct AppModule;

fn main() {}
