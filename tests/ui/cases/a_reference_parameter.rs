//! A parameter that borrows.
use modi::prelude::*;

struct Database;
struct Users;
#[injectable]
impl Users {
    fn new(
        _database: &Database, //~ ERROR a dependency is owned: write `Arc<_>`
    ) -> Self {
        Self
    }
}

#[injectable]
fn pool(_database: &Database) -> u32 { //~ ERROR a dependency is owned: write `Arc<_>`
    7
}

fn main() {}
