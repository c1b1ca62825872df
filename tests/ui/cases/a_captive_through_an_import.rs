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

#[module(imports = [StorageModule::{Query}], providers = [Users])] //~ ERROR module `AppModule`
//~| NOTE captive dependency: a singleton would keep a scoped service for ever
//~| NOTE Users --query--> StorageModule::Query --tx--> Tx (scoped)
struct AppModule;

fn main() {}
