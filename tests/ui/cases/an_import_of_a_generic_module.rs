//! A module with an argument.
use modi::prelude::*;

struct User;

#[module(imports = [StorageModule<User>::{User}])] //~ ERROR a module is not generic: it is one value in an application
struct AppModule;

fn main() {}
