//! A message that was acknowledged when it was received cannot stay with the broker.
use modi::prelude::*;

#[subscriber("a", ack = received, failure = stop)] //~ ERROR has `ack = received`, so a message that fails cannot stay with the broker
async fn hasty() {}

#[subscriber("b", ack = received, failure = drop)]
async fn careless() {}

#[module(subscribers = [hasty, careless])]
struct AppModule;

fn main() {}
