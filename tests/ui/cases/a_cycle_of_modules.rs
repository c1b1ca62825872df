//! Modules that import each other: rustc's own error, which names both.
use modi::prelude::*;

#[injectable]
pub struct A;
#[injectable]
pub struct B;

#[module(imports = [Right::{B}], providers = [A], exports = [A])] //~ ERROR cycle detected
pub struct Left;
#[module(imports = [Left::{A}], providers = [B], exports = [B])] //~ NOTE which requires
pub struct Right;

fn main() {}
