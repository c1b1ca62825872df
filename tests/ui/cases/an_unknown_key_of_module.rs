//! A slip in a key of `#[module]`, and a key that resembles none.
use modi::prelude::*;

#[module(provider = [Users])]
struct AppModule;
#[module(global)]
struct Other;

fn main() {}
