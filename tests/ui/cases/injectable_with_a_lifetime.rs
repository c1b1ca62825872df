//! A service that borrows.
use modi::prelude::*;

#[injectable]
struct Users<'a> { //~ ERROR a service owns what it holds: it cannot have lifetime parameters
    #[default("")]
    name: &'a str,
}

struct Names<'a>(&'a str);
#[injectable]
impl<'a> Names<'a> { //~ ERROR a service owns what it holds: it cannot have lifetime parameters
    fn new() -> Self {
        Self("")
    }
}

fn main() {}
