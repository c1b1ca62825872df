//! The end of a scope on a service without one.
use modi::prelude::*;

#[injectable(complete)] //~ ERROR `complete` is for scoped services: write `#[injectable(scoped, complete)]`
struct Users;
#[injectable(transient, complete)] //~ ERROR `complete` is for scoped services: write `#[injectable(scoped, complete)]`
struct Query;

fn main() {}
