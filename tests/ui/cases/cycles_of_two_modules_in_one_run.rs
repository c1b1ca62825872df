//! Each module says its own cycle, in one run.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
pub struct A {
    a: Arc<A>,
}
#[injectable]
struct B {
    b: Arc<B>,
}

#[module(providers = [A], exports = [A])] //~ ERROR module `StorageModule`
//~| NOTE A --a--> A
pub struct StorageModule;
#[module(providers = [B])] //~ ERROR module `AppModule`
//~| NOTE B --b--> B
struct AppModule;

fn main() {}
