//! A singleton that would keep a scoped service.
use modi::prelude::*;
use std::sync::Arc;

#[injectable(scoped)]
struct Tx;
#[injectable]
struct Users {
    tx: Arc<Tx>,
}

#[module(providers = [Users, Tx])]
struct AppModule;

fn main() {}
