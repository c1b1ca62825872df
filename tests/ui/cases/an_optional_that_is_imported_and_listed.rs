//! The same with an import, and another spelling.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
pub struct Audit;
#[injectable]
struct Users {
    audit: Option<Arc<Audit>>,
}

#[module(providers = [Audit], exports = [Audit])]
pub struct AuditModule;

#[module(
    imports = [AuditModule::{Audit}],
    providers = [Users],
    optional = [crate::Audit], //~ ERROR conflicting implementations of trait
)]
struct AppModule;

fn main() {}
