//! `lifecycle` without the trait that it asks for.
//~ ERRORS 1..=2
use modi::prelude::*;

#[injectable(lifecycle)]
struct Users; //~ ERROR `Users` has no life cycle
//~| NOTE `#[injectable(lifecycle)]` asks for `impl Lifecycle for Users`

fn main() {}
