//! `#[constructor]` on a method.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users {
    #[constructor]
    fn again(self) -> Self {
        self
    }
}

fn main() {}
