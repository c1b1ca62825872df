//! `app.get` of a service that the root module does not have.
use modi::prelude::*;

struct Unknown;

#[module]
struct AppModule;

async fn start() -> modi::Result {
    let app = App::new(AppModule).start().await?;
    app.get::<Unknown>();
    app.stop().await
}

fn main() {
    drop(start());
}
