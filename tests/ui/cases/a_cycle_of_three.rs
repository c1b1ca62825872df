//! Three services in a ring: by a field, by a constructor, by a function that gives a trait.
use modi::prelude::*;
use std::sync::Arc;

trait C: Send + Sync {}
struct Real;
impl C for Real {}

#[injectable]
struct A {
    b: Arc<B>,
}
struct B;
#[injectable]
impl B {
    fn new(_c: Arc<dyn C>) -> Self {
        Self
    }
}
#[injectable]
async fn c(_a: Arc<A>) -> Arc<dyn C> {
    Arc::new(Real)
}

#[module( //~ ERROR module `AppModule`
//~| NOTE dependency cycle
//~| NOTE A --b--> B --_c--> dyn C --_a--> A
//~| NOTE help: make one of these fields a `Lazy<_>`
    providers = [A, B, c],
)]
struct AppModule;

fn main() {}
