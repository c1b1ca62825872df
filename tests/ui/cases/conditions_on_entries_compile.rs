//! `#[cfg]` on entries of every list.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
pub struct Database;
#[injectable]
pub struct Audit;
#[injectable]
struct Users {
    _database: Arc<Database>,
    _audit: Option<Arc<Audit>>,
}

#[module(providers = [Database, Audit], exports = [Database, #[cfg(any())] Unknown])]
pub struct StorageModule;

#[module(
    imports = [
        StorageModule::{Database, #[cfg(any())] Unknown},
        #[cfg(any())]
        UnknownModule::{Unknown},
    ],
    providers = [
        #[cfg(any())]
        Unknown,
        #[cfg(all())]
        Users,
    ],
    optional = [#[cfg(not(any()))] Audit],
)]
struct AppModule;

fn main() {}
