//! `as` gives the name of a trait.
use modi::prelude::*;

trait Mailer: Send + Sync {}
#[injectable]
struct Smtp;
impl Mailer for Smtp {}

#[module(providers = [Smtp as Mailer])] //~ ERROR `as` gives a service the name of a trait: write `as dyn Trait`
struct AppModule;
#[module(providers = [Smtp as every dyn Mailer])] //~ ERROR write `as dyn Trait` or `as all dyn Trait`
struct Other;

fn main() {}
