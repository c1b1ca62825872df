//! An optional service of which the module says nothing.
use modi::prelude::*;
use std::sync::Arc;

struct Audit;
#[injectable]
struct Users {
    audit: Option<Arc<Audit>>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [Users])] //~ ERROR module `AppModule` says nothing about the optional `Audit`
//~| NOTE neither provided, nor imported, nor listed as absent
//~| NOTE provide or import it, or write `optional = [Audit]` in `AppModule`
struct AppModule;

fn main() {}
