//! A service that needs itself.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
struct A {
    _a: Arc<A>,
}

#[module(providers = [A])]
struct AppModule;

fn main() {}
