//! A trait without `Send + Sync` that a function provides.
//~ ERRORS 1..=6
use modi::prelude::*;
use std::sync::Arc;

trait Cache {}
struct Memory;
impl Cache for Memory {}
#[injectable]
fn cache() -> Arc<dyn Cache> { //~ ERROR `(dyn Cache + 'static)` cannot be shared between threads
//~| NOTE a service must be `Send + Sync + 'static`; for a trait write `trait X: Send + Sync`
    Arc::new(Memory)
}
#[injectable]
struct Users {
    cache: Arc<dyn Cache>,
}

#[module(providers = [Users, cache])]
struct AppModule;

fn main() {}
