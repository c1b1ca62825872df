//! Two services that need each other.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
struct A {
    b: Arc<B>,
}
#[injectable]
struct B {
    a: Arc<A>,
}

#[module(providers = [A, B])] //~ ERROR module `AppModule`
//~| NOTE dependency cycle
//~| NOTE A --b--> B --a--> A
//~| NOTE help: make one of these fields a `Lazy<_>`
struct AppModule;

fn main() {}
