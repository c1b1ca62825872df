//! The same service from two modules, in two spellings.
use modi::prelude::*;

#[injectable]
pub struct Users;

#[module(providers = [Users], exports = [Users])]
pub struct Left;
#[module(providers = [Users], exports = [Users])]
pub struct Right;

#[module(imports = [
    Left::{Users}, //~ NOTE first implementation here
    Right::{crate::Users}, //~ ERROR conflicting implementations of trait
])]
struct AppModule;

fn main() {}
