//! The importer of a module with a cycle has no error of its own.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
pub struct A {
    a: Arc<A>,
}
#[injectable]
struct B {
    a: Arc<A>,
}

#[module(providers = [A], exports = [A])] //~ ERROR module `StorageModule`
//~| NOTE A --a--> A
pub struct StorageModule;
#[module(imports = [StorageModule::{A}], providers = [B])]
struct AppModule;

fn main() {}
