//! ~
use modi::prelude::*;
use std::sync::Arc;

trait Cache {}
#[injectable]
struct Memory;
impl Cache for Memory {}
#[injectable]
struct Users {
    cache: Arc<dyn Cache>,
}

#[module(providers = [
    Users,
    Memory as dyn Cache,
])]
struct AppModule;

fn main() {}
