//! Every captive dependency of one module, in one error.
use modi::prelude::*;
use std::sync::Arc;

#[injectable(scoped)]
struct Tx;
#[injectable(transient)]
struct Reader {
    tx: Arc<Tx>,
}
#[injectable]
struct Direct {
    tx: Arc<Tx>,
}
#[injectable]
struct Through {
    reader: Arc<Reader>,
}

#[module(providers = [Tx, Reader, Direct, Through])] //~ ERROR module `AppModule`
//~| NOTE captive dependency: a singleton would keep a scoped service for ever
//~| NOTE Direct --tx--> Tx (scoped)
//~| NOTE Through --reader--> Reader --tx--> Tx (scoped)
struct AppModule;

fn main() {}
