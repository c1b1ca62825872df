//! A service that borrows.
use modi::prelude::*;

#[injectable]
struct Users<'a> {
    #[default("")]
    name: &'a str,
}

struct Names<'a>(&'a str);
#[injectable]
impl<'a> Names<'a> {
    fn new() -> Self {
        Self("")
    }
}

fn main() {}
