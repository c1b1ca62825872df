//! `app.get` borrows for as long as the application runs: a scoped service does not live that long.
use modi::prelude::*;

#[injectable(scoped)]
struct Tx;

#[module(providers = [Tx])]
struct AppModule;

async fn start() -> modi::Result {
    let app = App::new(AppModule).start().await?;
    app.get::<Tx>();
    app.stop().await
}

fn main() {
    drop(start());
}
