//! A service under the name of a trait that it lacks.
use modi::prelude::*;

trait Mailer: Send + Sync {}
#[injectable]
struct Smtp;

#[module(providers = [
    Smtp as dyn Mailer, //~ ERROR the trait bound `Smtp: Mailer` is not satisfied
])]
struct AppModule;

fn main() {}
