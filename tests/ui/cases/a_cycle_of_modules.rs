//! Modules that import each other: rustc's own error, which names both.
use modi::prelude::*;

#[injectable]
pub struct A;
#[injectable]
pub struct B;

#[module(imports = [Right::{B}], providers = [A], exports = [A])]
pub struct Left;
#[module(imports = [Left::{A}], providers = [B], exports = [B])]
pub struct Right;

fn main() {}
