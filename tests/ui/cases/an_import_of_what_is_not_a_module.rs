//! An import of a struct without `#[module]`.
use modi::prelude::*;

#[injectable]
pub struct Database;
pub struct StorageModule;

#[module(imports = [
    StorageModule::{Database},
])]
struct AppModule;

fn main() {}
