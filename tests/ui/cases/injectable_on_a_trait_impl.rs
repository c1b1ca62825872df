//! `#[injectable]` on the `impl` of a trait.
use modi::prelude::*;

struct Users;
#[injectable]
impl Default for Users { //~ ERROR `#[injectable]` goes on the `impl` block of the type itself, not of a trait
    fn default() -> Self {
        Self
    }
}

fn main() {}
