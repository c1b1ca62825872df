//! No topic, an empty one, a group that is no name, a duration without a unit.
use modi::prelude::*;

#[subscriber(group = "orders")] //~ ERROR name the topic: `#[subscriber("orders.created")]`
async fn a() {}

#[subscriber("")] //~ ERROR a topic has a name
async fn b() {}

#[subscriber("c", group = "or ders")] //~ ERROR the name of a group consists of letters, digits, `-` and `_`
async fn c() {}

#[subscriber("d", deadline = "15")] //~ ERROR write a duration as `"250ms"`, `"15s"` or `"2m"`
async fn d() {}

#[subscriber("g", order = first)] //~ ERROR write `order = lane` (the default), `order = key` or `order = none`
async fn g() {}

#[subscriber("h", failure = halt)] //~ ERROR write `failure = dead_letter` (the default), `failure = drop`, `failure = stop`
async fn h() {}

#[subscriber("i", redeliver = "1m")] //~ ERROR write the delays as `redeliver = ["1m", "10m"]`
async fn i() {}

#[subscriber("e", ack = first)] //~ ERROR write `ack = handled` (the default) or `ack = received`
async fn e() {}

fn main() {}
