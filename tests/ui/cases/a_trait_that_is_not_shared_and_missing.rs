//! ~
use modi::prelude::*;
use std::sync::Arc;

trait Cache {}
#[injectable]
struct Users {
    cache: Arc<dyn Cache>,
}

#[module(providers = [Users])]
struct AppModule;

fn main() {}
