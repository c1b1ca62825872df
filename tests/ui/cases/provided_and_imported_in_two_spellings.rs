//! The same service provided and imported, in two spellings.
use modi::prelude::*;

#[injectable]
pub struct Users;

#[module(providers = [Users], exports = [Users])]
pub struct UserModule;

#[module(
    imports = [UserModule::{Users}], //~ NOTE first implementation here
    providers = [crate::Users], //~ ERROR conflicting implementations of trait
)]
struct AppModule;

fn main() {}
