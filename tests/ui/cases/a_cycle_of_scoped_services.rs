//! Scoped services that need each other: `Lazy<_>` is no way out.
use modi::prelude::*;
use std::sync::Arc;

#[injectable(scoped)]
struct A {
    b: Arc<B>,
}
#[injectable(scoped)]
struct B {
    a: Arc<A>,
}

#[module(providers = [A, B])]
struct AppModule;

fn main() {}
