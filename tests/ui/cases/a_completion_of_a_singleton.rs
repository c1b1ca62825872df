//! The end of a scope on a service without one.
use modi::prelude::*;

#[injectable(complete)]
struct Users;
#[injectable(transient, complete)]
struct Query;

fn main() {}
