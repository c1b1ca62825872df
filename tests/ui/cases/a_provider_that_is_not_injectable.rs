//! An entry without `#[injectable]`: one error an entry.
use modi::prelude::*;

struct Users;
struct Orders;

#[module(providers = [
    Users, //~ ERROR `Users` cannot be provided: it is not injectable
    //~| NOTE write `#[injectable]` above this type, its constructor or the function that makes it
    Orders, //~ ERROR `Orders` cannot be provided: it is not injectable
])]
struct AppModule;

fn main() {}
