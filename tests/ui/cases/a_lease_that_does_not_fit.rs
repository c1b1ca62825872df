//! Who settles by hand publishes by hand, and is not acknowledged before.
use modi::prelude::*;
use modi::Lease;

#[subscriber("a", publish = "b")] //~ ERROR handler `publishes` takes the `Lease` of its message: it publishes with a `Publisher`
async fn publishes(_lease: Lease) -> Json<u32> {
    Json(1)
}

#[subscriber("c", ack = received)] //~ ERROR handler `hasty` takes the `Lease` of its message, and `ack = received` settles that before
async fn hasty(_lease: Lease) {}

#[module(subscribers = [publishes, hasty])]
struct AppModule;

fn main() {}
