//! A field that is no dependency and has no `#[default]`.
use modi::prelude::*;

#[injectable]
struct Users {
    count: u32, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [Users])] //~ ERROR `u32` is not a dependency
//~| NOTE neither `Arc<_>`, `Option<Arc<_>>`, `Lazy<_>` nor `All<dyn _>`
//~| NOTE write `#[default]` or `#[default(..)]` above a field that is not injected
struct AppModule;

fn main() {}
