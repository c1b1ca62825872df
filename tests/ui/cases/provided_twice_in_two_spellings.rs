//! A provider that is listed twice in two spellings: rustc compares types, not words.
use modi::prelude::*;

#[injectable]
pub struct Users;

#[module(providers = [
    Users,
    crate::Users,
])]
struct AppModule;

fn main() {}
