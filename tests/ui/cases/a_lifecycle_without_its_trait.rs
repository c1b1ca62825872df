//! `lifecycle` and `complete` without what they ask for.
use modi::prelude::*;

#[injectable(lifecycle)]
struct Users;
#[injectable(scoped, complete)]
struct Tx;

fn main() {}
