//! Hooks of the application on a service that does not live as long.
use modi::prelude::*;

#[injectable(scoped, lifecycle)] //~ ERROR `lifecycle` is for singletons
struct Tx;
#[injectable(transient, lifecycle)] //~ ERROR `lifecycle` is for singletons
struct Query;

fn main() {}
