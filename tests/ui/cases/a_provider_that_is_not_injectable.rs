//! An entry without `#[injectable]`: one error an entry.
use modi::prelude::*;

struct Users;
struct Orders;

#[module(providers = [
    Users,
    Orders,
])]
struct AppModule;

fn main() {}
