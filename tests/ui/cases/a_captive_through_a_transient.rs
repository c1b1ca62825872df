//! A singleton that would keep a scoped service inside a transient.
use modi::prelude::*;
use std::sync::Arc;

#[injectable(scoped)]
struct Tx;
#[injectable(transient)]
struct Reader {
    tx: Arc<Tx>,
}
#[injectable]
struct Users {
    reader: Arc<Reader>,
}

#[module(providers = [Users, Reader, Tx])] //~ ERROR module `AppModule`
//~| NOTE captive dependency: a singleton would keep a scoped service for ever
//~| NOTE Users --reader--> Reader --tx--> Tx (scoped)
struct AppModule;

fn main() {}
