//! Two lifetimes.
use modi::prelude::*;

#[injectable(singleton, scoped)]
struct Users;

fn main() {}
