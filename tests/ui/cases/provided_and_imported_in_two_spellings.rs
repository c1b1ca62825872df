//! The same service provided and imported, in two spellings.
use modi::prelude::*;

#[injectable]
pub struct Users;

#[module(providers = [Users], exports = [Users])]
pub struct UserModule;

#[module(
    imports = [UserModule::{Users}],
    providers = [crate::Users],
)]
struct AppModule;

fn main() {}
