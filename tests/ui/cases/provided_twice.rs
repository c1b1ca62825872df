//! A provider that is listed twice in one spelling.
use modi::prelude::*;

#[injectable]
struct Users;

#[module(providers = [
    Users,
    Users, //~ ERROR `Users` is provided twice
])]
struct AppModule;

fn main() {}
