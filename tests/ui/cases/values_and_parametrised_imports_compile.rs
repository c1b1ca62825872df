//! Values through the fields of a module, and an import with a value.
use modi::prelude::*;
use std::sync::Arc;

struct Settings;
trait Clock: Send + Sync {}
struct System;
impl Clock for System {}

#[injectable]
struct Database {
    _settings: Arc<Settings>,
    _clock: Arc<dyn Clock>,
}

#[module(providers = [Database], exports = [Database])]
struct StorageModule {
    #[provide]
    settings: Settings,
    #[provide]
    clock: Arc<dyn Clock>,
    _limit: u32,
}

#[module]
struct LimitModule(u32);

#[module(
    imports = [
        StorageModule { settings: Settings, clock: Arc::new(System), _limit: 7 }::{Database},
        LimitModule(7),
    ],
)]
struct AppModule;

async fn start() -> modi::Result {
    let app = App::new(AppModule).start().await?;
    app.get::<Database>();
    app.stop().await
}

fn main() {
    drop(start());
}
