//! Imports name what crosses the wall.
use modi::prelude::*;

#[module]
pub struct StorageModule;

#[module(imports = [StorageModule::*])]
struct AppModule;
#[module(imports = [StorageModule::{*}])]
struct Other;

fn main() {}
