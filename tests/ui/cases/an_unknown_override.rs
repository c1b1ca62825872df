//! An override of what the root module does not have.
use modi::prelude::*;
use std::sync::Arc;

trait Unknown: Send + Sync {}
struct Fake;
impl Unknown for Fake {}

#[module]
struct AppModule;

fn main() {
    let _overrides = modi::Overrides::<AppModule>::new()
        .replace::<dyn Unknown>(Arc::new(Fake)); //~ ERROR module `AppModule` has no provider for `dyn Unknown`
}
