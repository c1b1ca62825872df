//! `#[module]` on something else.
use modi::prelude::*;

#[module]
enum AppModule {}

#[module]
fn start() {}

#[module]
mod app {}

fn main() {
    start();
}
