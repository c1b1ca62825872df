//! A parameter that borrows.
use modi::prelude::*;

struct Database;
struct Users;
#[injectable]
impl Users {
    fn new(
        _database: &Database,
    ) -> Self {
        Self
    }
}

#[injectable]
fn pool(_database: &Database) -> u32 {
    7
}

fn main() {}
