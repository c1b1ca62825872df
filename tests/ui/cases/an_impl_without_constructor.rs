//! No function of the block returns the type.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users {
    fn count(&self) -> u32 {
        0
    }
}

fn main() {}
