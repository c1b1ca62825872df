//! Two lifetimes.
use modi::prelude::*;

#[injectable(singleton, scoped)] //~ ERROR a service has one lifetime: `singleton`, `scoped` or `transient`
struct Users;

fn main() {}
