//! `#[constructor]` on a method.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users {
    #[constructor]
    fn again(self) -> Self { //~ ERROR a constructor makes the service: it cannot take `self`
        self
    }
}

fn main() {}
