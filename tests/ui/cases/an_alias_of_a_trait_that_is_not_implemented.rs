//! A service under the name of a trait that it lacks.
use modi::prelude::*;

trait Mailer: Send + Sync {}
#[injectable]
struct Smtp;

#[module(providers = [
    Smtp as dyn Mailer,
])]
struct AppModule;

fn main() {}
