//! `#[module]` on something else.
use modi::prelude::*;

#[module]
enum AppModule {} //~ ERROR `#[module]` goes on a struct

#[module]
fn start() {} //~ ERROR `#[module]` goes on a struct

#[module]
mod app {} //~ ERROR `#[module]` goes on a struct

fn main() {
    start();
}
