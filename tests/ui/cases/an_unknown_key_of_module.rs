//! A slip in a key of `#[module]`, and a key that resembles none.
use modi::prelude::*;

#[module(provider = [Users])] //~ ERROR unknown key `provider`: did you mean `providers`?
struct AppModule;
#[module(global)] //~ ERROR unknown key `global`: there are `imports`, `providers`, `exports`, `subscribers`, `optional`
struct Other;

fn main() {}
