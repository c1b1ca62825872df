//! Two fields of one service lack their providers: one error each.
use modi::prelude::*;
use std::sync::Arc;

struct Database;
struct Cache;

#[injectable]
struct Users {
    _database: Arc<Database>, //~ NOTE unsatisfied trait bound introduced here
    _cache: Arc<Cache>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [Users])] //~ ERROR module `AppModule` has no provider for `Database`
//~| ERROR module `AppModule` has no provider for `Cache`
struct AppModule;

fn main() {}
