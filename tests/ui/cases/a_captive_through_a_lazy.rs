//! `Lazy<_>` of a scoped service: an error of the types, at the field.
use modi::prelude::*;

#[injectable(scoped)]
struct Tx;
#[injectable]
struct Users {
    tx: Lazy<Tx>,
}

#[module(providers = [Users, Tx])]
struct AppModule;

fn main() {}
