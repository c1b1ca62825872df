//! The same with a type in place of a trait.
use modi::prelude::*;
use std::sync::Arc;

struct Database;

#[injectable]
struct Users {
    _database: Arc<Database>,
}

#[module(
    providers = [
        Users,
    ],
)]
struct AppModule;

fn main() {}
