//! A slip in a key of `#[injectable]`, and a key that resembles none.
use modi::prelude::*;

#[injectable(scopd)]
struct Tx;
#[injectable(global)]
struct Users;

fn main() {}
