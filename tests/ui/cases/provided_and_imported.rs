//! The same service provided and imported, in one spelling.
use modi::prelude::*;

#[injectable]
pub struct Users;

#[module(providers = [Users], exports = [Users])]
pub struct UserModule;

#[module(
    imports = [UserModule::{Users}],
    providers = [Users],
)]
struct AppModule;

fn main() {}
