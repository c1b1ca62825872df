//! A parameter of a constructor whose service nobody provides.
use modi::prelude::*;
use std::sync::Arc;

struct Database;
struct Users;

#[injectable]
impl Users {
    async fn connect(
        _database: Arc<Database>, //~ NOTE unsatisfied trait bound introduced here
    ) -> Self {
        Self
    }
}

#[module(providers = [Users])] //~ ERROR module `AppModule` has no provider for `Database`
struct AppModule;

fn main() {}
