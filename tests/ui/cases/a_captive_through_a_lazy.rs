//! `Lazy<_>` of a scoped service: an error of the types, at the field.
use modi::prelude::*;

#[injectable(scoped)]
struct Tx;
#[injectable]
struct Users {
    tx: Lazy<Tx>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [Users, Tx])] //~ ERROR `Tx` is not a singleton of module `AppModule`
//~| NOTE a scoped or transient service lives in a scope
struct AppModule;

fn main() {}
