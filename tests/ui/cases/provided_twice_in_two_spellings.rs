//! A provider that is listed twice in two spellings: rustc compares types, not words.
//~ ERRORS 1..=2
use modi::prelude::*;

#[injectable]
pub struct Users;

#[module(providers = [
    Users, //~ NOTE first implementation here
    crate::Users, //~ ERROR conflicting implementations of trait
])]
struct AppModule;

fn main() {}
