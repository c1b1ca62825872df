//! `app.get` of a service that the root module does not have.
use modi::prelude::*;

struct Unknown;

#[module]
struct AppModule;

async fn start() -> modi::Result {
    let app = App::new(AppModule).start().await?;
    app.get::<Unknown>(); //~ ERROR module `AppModule` has no provider for `Unknown`
    //~| NOTE add it to `providers = [..]` of `AppModule`, or import it by name from a module that exports it
    app.stop().await
}

fn main() {
    drop(start());
}
