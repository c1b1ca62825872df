//! An import of a struct without `#[module]`.
//~ ERRORS 1..=10
use modi::prelude::*;

#[injectable]
pub struct Database;
pub struct StorageModule;

#[module(imports = [
    StorageModule::{Database}, //~ ERROR `StorageModule` is not a module
    //~| NOTE write `#[module(providers = [..])]` above the struct
])]
struct AppModule;

fn main() {}
