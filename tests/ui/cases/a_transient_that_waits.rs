//! A transient with an `async` constructor.
use modi::prelude::*;

struct Query;
#[injectable(transient)]
impl Query {
    async fn new() -> Self { //~ ERROR a transient is made in line wherever it is asked for, so its constructor cannot be `async`
        Self
    }
}
#[injectable(transient)]
async fn number() -> u32 { //~ ERROR a transient is made in line wherever it is asked for, so its constructor cannot be `async`
    7
}

#[module(providers = [Query, number])]
struct AppModule;

fn main() {}
