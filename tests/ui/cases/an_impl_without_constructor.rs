//! No function of the block returns the type.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users { //~ ERROR no constructor: write an associated function that returns `Self` or `Result<Self, _>`
    fn count(&self) -> u32 {
        0
    }
}

fn main() {}
