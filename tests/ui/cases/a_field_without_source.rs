//! A field that is no dependency and has no `#[default]`.
use modi::prelude::*;

#[injectable]
struct Users {
    count: u32,
}

#[module(providers = [Users])]
struct AppModule;

fn main() {}
