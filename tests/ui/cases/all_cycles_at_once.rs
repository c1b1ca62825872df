//! Two cycles of one module are one error.
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
#[injectable]
struct C {
    d: Arc<D>,
}
#[injectable]
struct D {
    c: Arc<C>,
}

#[module(providers = [A, B, C, D])]
struct AppModule;

fn main() {}
