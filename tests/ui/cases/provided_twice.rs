//! A provider that is listed twice in one spelling.
use modi::prelude::*;

#[injectable]
struct Users;

#[module(providers = [
    Users,
    Users,
])]
struct AppModule;

fn main() {}
