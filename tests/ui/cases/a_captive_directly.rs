//! A singleton that would keep a scoped service.
use modi::prelude::*;
use std::sync::Arc;

#[injectable(scoped)]
struct Tx;
#[injectable]
struct Users {
    tx: Arc<Tx>,
}

#[module(providers = [Users, Tx])] //~ ERROR module `AppModule`
//~| NOTE captive dependency: a singleton would keep a scoped service for ever
//~| NOTE Users --tx--> Tx (scoped)
//~| NOTE help: make `Users` scoped, or take the service in the handler
struct AppModule;

fn main() {}
