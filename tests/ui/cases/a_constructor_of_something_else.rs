//! A marked constructor that makes something else.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users {
    #[constructor]
    fn count() -> u32 { //~ ERROR a constructor of `Users` cannot return `u32`
    //~| NOTE neither `Users`, nor a `Result` of it
        7
    }
}

fn main() {}
