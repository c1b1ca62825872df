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
    fn connect() -> Self {
        Self
    }
}

fn main() {}
