//! `as` gives the name of a trait.
use modi::prelude::*;

trait Mailer: Send + Sync {}
#[injectable]
struct Smtp;
impl Mailer for Smtp {}

#[module(providers = [Smtp as Mailer])]
struct AppModule;
#[module(providers = [Smtp as every dyn Mailer])]
struct Other;

fn main() {}
