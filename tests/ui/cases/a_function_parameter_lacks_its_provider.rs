//! A parameter of a function that provides.
use modi::prelude::*;
use std::sync::Arc;

struct Settings;
struct Pool;

#[injectable]
fn pool(
    _settings: Arc<Settings>,
) -> Pool {
    Pool
}

#[module(providers = [pool])]
struct AppModule;

fn main() {}
