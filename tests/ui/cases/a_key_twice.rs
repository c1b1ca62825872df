//! Keys that are written twice.
use modi::prelude::*;

#[injectable(scoped, scoped)] //~ ERROR `scoped` is written twice
struct Users;

#[module(
    providers = [],
    providers = [], //~ ERROR `providers` is written twice
)]
struct AppModule;

fn main() {}
