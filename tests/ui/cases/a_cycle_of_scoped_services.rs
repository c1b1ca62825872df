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

#[module(providers = [A, B])] //~ ERROR module `AppModule`
//~| NOTE dependency cycle
//~| NOTE A --b--> B --a--> A
//~| NOTE help: move what both need into a third service (`Lazy<_>` is for singletons)
struct AppModule;

fn main() {}
