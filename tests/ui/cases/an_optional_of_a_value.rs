//! `Option<_>` is injected with a service in it, or not at all.
use modi::prelude::*;

#[injectable]
struct Users {
    limit: Option<u32>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [Users])] //~ ERROR `Option<u32>` is not a dependency
struct AppModule;

fn main() {}
