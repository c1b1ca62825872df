//! An import of what the module keeps private.
use modi::prelude::*;

#[injectable]
pub struct Database;
#[injectable]
pub struct Secret;

#[module(providers = [Database, Secret], exports = [Database])]
pub struct StorageModule;

#[module(imports = [StorageModule::{Secret}])]
struct AppModule;

fn main() {}
