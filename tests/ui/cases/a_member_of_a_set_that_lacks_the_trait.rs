//! A member of a set whose trait it lacks.
use modi::prelude::*;

trait Health: Send + Sync {}
#[injectable]
struct Smtp;

#[module(providers = [
    Smtp as all dyn Health, //~ ERROR the trait bound `Smtp: Health` is not satisfied
])]
struct AppModule;

fn main() {}
