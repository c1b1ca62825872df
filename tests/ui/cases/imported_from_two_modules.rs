//! The same service from two modules, in one spelling.
use modi::prelude::*;

#[injectable]
pub struct Users;

#[module(providers = [Users], exports = [Users])]
pub struct Left;
#[module(providers = [Users], exports = [Users])]
pub struct Right;

#[module(imports = [
    Left::{Users},
    Right::{Users}, //~ ERROR `Users` is imported from `Left` and from `Right`: keep one of the two
])]
struct AppModule;

fn main() {}
