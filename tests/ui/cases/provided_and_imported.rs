//! The same service provided and imported, in one spelling.
use modi::prelude::*;

#[injectable]
pub struct Users;

#[module(providers = [Users], exports = [Users])]
pub struct UserModule;

#[module(
    imports = [UserModule::{Users}], //~ ERROR `Users` is provided here and imported from `UserModule`: keep one of the two
    providers = [Users],
)]
struct AppModule;

fn main() {}
