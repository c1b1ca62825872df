//! Mistakes of the types that do not depend on each other come in one run.
use modi::prelude::*;
use std::sync::Arc;

struct Missing;
pub struct Secret;

#[injectable]
struct Users {
    _missing: Arc<Missing>,
}
#[injectable]
struct Orders {
    count: u32,
}

#[module]
pub struct StorageModule;

#[module(
    imports = [StorageModule::{Secret}], //~ ERROR module `StorageModule` does not export `Secret`
    providers = [
        Users, //~ ERROR module `AppModule` has no provider for `Missing`
        Orders, //~ ERROR `u32` is not a dependency
    ],
)]
struct AppModule;

async fn start() -> modi::Result {
    let app = App::new(AppModule).start().await?;
    app.get::<Missing>(); //~ ERROR module `AppModule` has no provider for `Missing`
    app.stop().await
}

fn main() {
    drop(start());
}
