//! An entry has `#[cfg(..)]` and nothing else.
use modi::prelude::*;

#[injectable]
struct Users;

#[module(providers = [
    #[scoped] //~ ERROR an entry can have `#[cfg(..)]`, nothing else
    Users,
])]
struct AppModule;

fn main() {}
