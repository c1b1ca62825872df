//! Two fields of one service lack their providers: one error each.
use modi::prelude::*;
use std::sync::Arc;

struct Database;
struct Cache;

#[injectable]
struct Users {
    _database: Arc<Database>,
    _cache: Arc<Cache>,
}

#[module(providers = [Users])]
struct AppModule;

fn main() {}
