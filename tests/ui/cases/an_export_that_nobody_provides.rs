//! An export of what the module neither provides nor imports.
use modi::prelude::*;

#[injectable]
pub struct Database;

#[module(exports = [Database])] //~ ERROR module `StorageModule` has no provider for `Database`
pub struct StorageModule;

fn main() {}
