//! An optional service of which the module says nothing.
use modi::prelude::*;
use std::sync::Arc;

struct Audit;
#[injectable]
struct Users {
    audit: Option<Arc<Audit>>,
}

#[module(providers = [Users])]
struct AppModule;

fn main() {}
