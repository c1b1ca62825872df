//! Names that rustc does not know: its own words, once each.
use modi::prelude::*;

#[module(
    imports = [
        UnknownModule, //~ ERROR cannot find type `UnknownModule`
    ],
    providers = [
        Unknown, //~ ERROR cannot find type `Unknown`
        unknown, //~ ERROR cannot find type `unknown`
    ],
)]
struct AppModule;

fn main() {}
