//! A member of a set whose trait it lacks.
use modi::prelude::*;

trait Health: Send + Sync {}
#[injectable]
struct Smtp;

#[module(providers = [
    Smtp as all dyn Health,
])]
struct AppModule;

fn main() {}
