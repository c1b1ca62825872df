//! `complete` without the trait that it asks for.
use modi::prelude::*;

#[injectable(scoped, complete)]
struct Tx; //~ ERROR `Tx` has no completion
//~| NOTE `#[injectable(scoped, complete)]` asks for `impl Scoped for Tx`

fn main() {}
