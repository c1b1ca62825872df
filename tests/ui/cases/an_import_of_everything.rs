//! Imports name what crosses the wall.
use modi::prelude::*;

#[module]
pub struct StorageModule;

#[module(imports = [StorageModule::*])] //~ ERROR name what crosses the wall: an import has no `*`
struct AppModule;
#[module(imports = [StorageModule::{*}])] //~ ERROR name what crosses the wall: an import has no `*`
struct Other;

fn main() {}
