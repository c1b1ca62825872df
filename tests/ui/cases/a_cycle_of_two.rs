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

#[module(providers = [A, B])]
struct AppModule;

fn main() {}
