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

#[module(providers = [Users, Reader, Tx])]
struct AppModule;

fn main() {}
