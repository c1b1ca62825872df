//! A `Lazy<_>` of a service that nobody provides.
use modi::prelude::*;

struct Database;
#[injectable]
struct Users {
    _database: Lazy<Database>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [Users])] //~ ERROR module `AppModule` has no provider for `Database`
struct AppModule;

fn main() {}
