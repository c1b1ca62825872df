//! An optional service that is both there and listed as absent.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
struct Audit;
#[injectable]
struct Users {
    audit: Option<Arc<Audit>>,
}

#[module(
    providers = [Users, Audit],
    optional = [Audit], //~ ERROR `Audit` is listed as absent, and provided or imported: keep one of the two
)]
struct AppModule;

fn main() {}
