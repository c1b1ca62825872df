//! `app.get` borrows for as long as the application runs: a scoped service does not live that long.
use modi::prelude::*;

#[injectable(scoped)]
struct Tx;

#[module(providers = [Tx])]
struct AppModule;

async fn start() -> modi::Result {
    let app = App::new(AppModule).start().await?;
    app.get::<Tx>(); //~ ERROR `Tx` is not a singleton of module `AppModule`
    //~| NOTE a scoped or transient service lives in a scope: take it as `Arc<Tx>` in a handler or in a scoped service
    app.stop().await
}

fn main() {
    drop(start());
}
