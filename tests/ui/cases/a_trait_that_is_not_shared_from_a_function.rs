//! ~
use modi::prelude::*;
use std::sync::Arc;

trait Cache {}
struct Memory;
impl Cache for Memory {}
#[injectable]
fn cache() -> Arc<dyn Cache> {
    Arc::new(Memory)
}
#[injectable]
struct Users {
    cache: Arc<dyn Cache>,
}

#[module(providers = [Users, cache])]
struct AppModule;

fn main() {}
