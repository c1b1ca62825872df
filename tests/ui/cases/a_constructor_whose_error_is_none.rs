//! A constructor whose error cannot become one of Modi's.
use modi::prelude::*;

struct Problem;
struct Users;
#[injectable]
impl Users {
    fn new() -> Result<Self, Problem> { //~ ERROR a constructor of `Users` cannot return `Result<Users, Problem>`
    //~| NOTE with an error that `modi::Error` can be made from
        Ok(Self)
    }
}
#[injectable]
async fn pool() -> Result<u32, Problem> { //~ ERROR a constructor of `u32` cannot return `Result<u32, Problem>`
    Ok(7)
}

fn main() {}
