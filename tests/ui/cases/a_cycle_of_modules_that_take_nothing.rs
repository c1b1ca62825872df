//! Modules that import each other only to be started: the same error, at the import.
use modi::prelude::*;

#[module(imports = [Right])] //~ ERROR cycle detected
pub struct Left;
#[module(imports = [Left])] //~ NOTE which requires
pub struct Right;

fn main() {}
