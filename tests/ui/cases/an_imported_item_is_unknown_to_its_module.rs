//! An import of what the module does not even provide.
use modi::prelude::*;

pub trait Secret: Send + Sync {}
#[injectable]
pub struct Database;

#[module(providers = [Database], exports = [Database])]
pub struct StorageModule;

#[module(
    imports = [
        StorageModule::{
            Database,
            dyn Secret, //~ ERROR module `StorageModule` does not export `(dyn Secret + 'static)`
        },
    ],
)]
struct AppModule;

fn main() {}
