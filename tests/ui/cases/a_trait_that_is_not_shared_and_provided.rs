//! A trait without `Send + Sync`, under whose name a service is provided.
//~ ERRORS 1..=6
use modi::prelude::*;
use std::sync::Arc;

trait Cache {}
#[injectable]
struct Memory;
impl Cache for Memory {}
#[injectable]
struct Users {
    cache: Arc<dyn Cache>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [
    Users, //~ ERROR `(dyn Cache + 'static)` cannot be shared between threads
    //~| NOTE a service must be `Send + Sync + 'static`; for a trait write `trait X: Send + Sync`
    Memory as dyn Cache,
])]
struct AppModule;

fn main() {}
