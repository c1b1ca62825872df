//! Hooks of the application on a service that does not live as long.
use modi::prelude::*;

#[injectable(scoped, lifecycle)]
struct Tx;
#[injectable(transient, lifecycle)]
struct Query;

fn main() {}
