//! Arguments that `#[default]` and `#[provide]` do not take.
use modi::prelude::*;

#[injectable]
struct Users {
    #[default = 3] //~ ERROR write `#[default(..)]`
    count: u32,
    #[default]
    #[default(7)] //~ ERROR `#[default]` is written twice
    limit: u32,
    #[default(1 +)] //~ ERROR expected an expression
    broken: u32,
}

#[module]
struct AppModule {
    #[provide(once)] //~ ERROR `#[provide]` takes no arguments
    settings: u32,
}

fn main() {}
