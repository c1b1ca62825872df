//! A module with an argument.
use modi::prelude::*;

struct User;

#[module(imports = [StorageModule<User>::{User}])]
struct AppModule;

fn main() {}
