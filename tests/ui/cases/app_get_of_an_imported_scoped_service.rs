//! The same through an import: the owner is named.
use modi::prelude::*;

#[injectable(scoped)]
pub struct Tx;

#[module(providers = [Tx], exports = [Tx])]
pub struct StorageModule;

#[module(imports = [StorageModule::{Tx}])]
struct AppModule;

async fn start() -> modi::Result {
    let app = App::new(AppModule).start().await?;
    app.get::<Tx>(); //~ ERROR `Tx` is not a singleton of module `StorageModule`
    app.stop().await
}

fn main() {
    drop(start());
}
