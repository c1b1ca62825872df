//! Slips in the keys of `#[subscriber]` and `#[subscribe]`, and a key twice: all in one run.
use modi::prelude::*;

#[subscriber("a", grup = "orders")] //~ ERROR unknown key `grup`: did you mean `group`?
async fn a() {}

#[subscriber("b", group = "x", group = "y")] //~ ERROR `group` is written twice
async fn b() {}

#[injectable]
struct Events;
#[subscriber]
impl Events {
    #[subscribe("c", retry = 3)] //~ ERROR unknown key `retry`: did you mean `retries`?
    async fn c(&self) {}
}

#[injectable]
struct Returns;
#[subscriber(prefx = "returns.")] //~ ERROR unknown key `prefx`: did you mean `prefix`?
impl Returns {
    #[subscribe("d", scope = group)] //~ ERROR write `scope = partition` (the default) or `scope = process`
    async fn d(&self) {}
}

#[injectable]
struct Refunds;
#[subscriber("refunds")] //~ ERROR on an `impl` block the topic stands above each method: `#[subscribe("topic")]`
impl Refunds {
    #[subscribe("e")]
    async fn e(&self) {}
}

fn main() {}
