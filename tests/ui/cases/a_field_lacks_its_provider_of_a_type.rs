//! The same with a type in place of a trait.
use modi::prelude::*;
use std::sync::Arc;

struct Database;

#[injectable]
struct Users {
    _database: Arc<Database>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(
    providers = [
        Users, //~ ERROR module `AppModule` has no provider for `Database`
    ],
)]
struct AppModule;

fn main() {}
