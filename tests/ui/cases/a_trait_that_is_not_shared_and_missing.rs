//! A trait without `Send + Sync`, which nobody provides: Modi's sentence comes first.
//~ ERRORS 1..=4
use modi::prelude::*;
use std::sync::Arc;

trait Cache {}
#[injectable]
struct Users {
    cache: Arc<dyn Cache>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [Users])] //~ ERROR `(dyn Cache + 'static)` cannot be shared between threads
//~| NOTE a service must be `Send + Sync + 'static`; for a trait write `trait X: Send + Sync`
struct AppModule;

fn main() {}
