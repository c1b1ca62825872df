//! A parameter of a function that provides.
use modi::prelude::*;
use std::sync::Arc;

struct Settings;
struct Pool;

#[injectable]
fn pool(
    _settings: Arc<Settings>, //~ NOTE unsatisfied trait bound introduced here
) -> Pool {
    Pool
}

#[module(providers = [pool])] //~ ERROR module `AppModule` has no provider for `Settings`
struct AppModule;

fn main() {}
