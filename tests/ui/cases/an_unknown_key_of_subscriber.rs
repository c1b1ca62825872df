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

fn main() {}
