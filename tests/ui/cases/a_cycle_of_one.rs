//! A service that needs itself.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
struct A {
    _a: Arc<A>,
}

#[module(providers = [A])] //~ ERROR module `AppModule`
//~| NOTE dependency cycle
//~| NOTE A --_a--> A
//~| NOTE help: make one of these fields a `Lazy<_>`
struct AppModule;

fn main() {}
