//! `#[injectable]` on what cannot be made.
use modi::prelude::*;

#[injectable] //~ ERROR `#[injectable]` goes on a struct (its fields are injected), on an `impl` block
enum Level {
    High,
}

fn main() {}
