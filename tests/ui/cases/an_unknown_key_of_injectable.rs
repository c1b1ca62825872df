//! A slip in a key of `#[injectable]`, and a key that resembles none.
use modi::prelude::*;

#[injectable(scopd)] //~ ERROR unknown key `scopd`: did you mean `scoped`?
struct Tx;
#[injectable(global)] //~ ERROR unknown key `global`: there are `singleton`, `scoped`, `transient`, `lifecycle`, `complete`
struct Users;

fn main() {}
