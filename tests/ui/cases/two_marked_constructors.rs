//! `#[constructor]` on two functions.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users {
    #[constructor]
    fn new() -> Self {
        Self
    }
    #[constructor]
    fn connect() -> Self { //~ ERROR `#[constructor]` is written on two functions: a service has one constructor
        Self
    }
}

fn main() {}
