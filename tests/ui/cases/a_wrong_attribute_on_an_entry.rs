//! An entry has `#[cfg(..)]` and nothing else.
use modi::prelude::*;

#[injectable]
struct Users;

#[module(providers = [
    #[scoped]
    Users,
])]
struct AppModule;

fn main() {}
