//! A singleton that would keep a scoped service of another module, behind a transient of that module.
use modi::prelude::*;
use std::sync::Arc;

#[injectable(scoped)]
struct Tx;
#[injectable(transient)]
pub struct Query {
    tx: Arc<Tx>,
}
#[module(providers = [Tx, Query], exports = [Query])]
pub struct StorageModule;

#[injectable]
struct Users {
    query: Arc<Query>,
}

#[module(imports = [StorageModule::{Query}], providers = [Users])]
struct AppModule;

fn main() {}
