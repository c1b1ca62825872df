//! A module with a parameter.
use modi::prelude::*;

#[module]
struct AppModule<T> {
    _value: T,
}
#[module]
struct Borrowed<'a> {
    _value: &'a str,
}

fn main() {}
