//! `#[injectable]` on the `impl` of a trait.
use modi::prelude::*;

struct Users;
#[injectable]
impl Default for Users {
    fn default() -> Self {
        Self
    }
}

fn main() {}
