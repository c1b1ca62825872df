//! A transient with an `async` constructor.
use modi::prelude::*;

struct Query;
#[injectable(transient)]
impl Query {
    async fn new() -> Self {
        Self
    }
}
#[injectable(transient)]
async fn number() -> u32 {
    7
}

#[module(providers = [Query, number])]
struct AppModule;

fn main() {}
