//! An import of what the module keeps private.
use modi::prelude::*;

#[injectable]
pub struct Database;
#[injectable]
pub struct Secret;

#[module(providers = [Database, Secret], exports = [Database])] //~ NOTE but trait `Exports<Database>` is implemented for it
pub struct StorageModule;

#[module(imports = [StorageModule::{Secret}])] //~ ERROR module `StorageModule` does not export `Secret`
//~| NOTE not in `exports = [..]` of `StorageModule`
struct AppModule;

fn main() {}
