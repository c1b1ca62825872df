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

#[module(providers = [A, B, C, D])] //~ ERROR module `AppModule`
//~| NOTE dependency cycle
//~| NOTE A --b--> B --a--> A
//~| NOTE C --d--> D --c--> C
struct AppModule;

fn main() {}
