//! A parameter of a constructor whose service nobody provides.
use modi::prelude::*;
use std::sync::Arc;

struct Database;
struct Users;

#[injectable]
impl Users {
    async fn connect(
        _database: Arc<Database>,
    ) -> Self {
        Self
    }
}

#[module(providers = [Users])]
struct AppModule;

fn main() {}
