//! `#[injectable]` on what cannot be made.
use modi::prelude::*;

#[injectable]
enum Level {
    High,
}

fn main() {}
