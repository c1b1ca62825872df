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

#[module(providers = [A], exports = [A])]
pub struct StorageModule;
#[module(providers = [B])]
struct AppModule;

fn main() {}
