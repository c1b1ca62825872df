//! A module with a parameter.
use modi::prelude::*;

#[module]
struct AppModule<T> { //~ ERROR a module cannot be generic: it is one value in an application, and an importer names it
    _value: T,
}
#[module]
struct Borrowed<'a> { //~ ERROR a module cannot be generic: it is one value in an application, and an importer names it
    _value: &'a str,
}

fn main() {}
