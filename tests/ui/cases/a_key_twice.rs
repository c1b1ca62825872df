//! Keys that are written twice.
use modi::prelude::*;

#[injectable(scoped, scoped)]
struct Users;

#[module(
    providers = [],
    providers = [],
)]
struct AppModule;

fn main() {}
