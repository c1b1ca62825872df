//! `#[subscriber]` where it cannot be.
use modi::prelude::*;

#[subscriber("a")] //~ ERROR `#[subscriber("topic")]` goes on a function, `#[subscriber]` on an `impl` block
struct A;

#[subscriber("b")]
async fn b<T>() {} //~ ERROR a handler cannot be generic

#[subscriber("c")]
async fn c(_id: &u32) {} //~ ERROR the arguments of a handler are owned

struct Events;
#[subscriber]
impl Events { //~ ERROR no handler: write `#[subscribe("topic")]` above a method
    async fn d(&self) {}
}

#[injectable]
struct Others;
#[subscriber]
impl Others {
    #[subscribe("e")]
    async fn e() {} //~ ERROR a handler of a service takes `&self`
    #[subscribe("f")]
    async fn f(&mut self) {} //~ ERROR a service is shared: its handlers take `&self`
}

/// Listing it adds no error.
#[module(subscribers = [Others])]
struct AppModule;

fn main() {}
