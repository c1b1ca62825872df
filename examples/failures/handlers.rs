//! Handlers that fail, each in its own way.

use modi::Error;
use modi::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the handlers of `outage` need, and what is away at first.
#[injectable]
pub(crate) struct Stock {
    #[default]
    is_back: AtomicBool,
}

impl Stock {
    pub(crate) fn comes_back(&self) {
        self.is_back.store(true, Ordering::Relaxed);
    }

    fn reserve(&self) -> modi::Result {
        if self.is_back.load(Ordering::Relaxed) { Ok(()) } else { Err(Error::new("the stock cannot be reached")) }
    }
}

/// The process ends while it runs.
#[subscriber("deadly")]
async fn deadly(context: Context) {
    if context.message_id() == Some("deadly-1") {
        std::future::pending::<()>().await;
    }
}

#[subscriber("transient")]
async fn transient(context: Context) -> modi::Result {
    if context.attempt() < 3 { Err(Error::new("the line was busy")) } else { Ok(()) }
}

#[subscriber("poison", retries = 2)]
async fn poison(context: Context) -> modi::Result {
    if context.message_id() == Some("poison-1") { Err(Error::new("the price is missing")) } else { Ok(()) }
}

#[subscriber("readings")]
async fn reading(Json(_degrees): Json<u32>) {}

#[subscriber("rejected")]
async fn rejected() -> modi::Result {
    Err(Error::reject("the customer is unknown"))
}

#[subscriber("panics", retries = 1)]
#[expect(clippy::panic, reason = "what the example is about")]
async fn panics() {
    panic!("a bug");
}

#[subscriber("slow", retries = 1, deadline = "50ms")]
async fn slow() {
    std::future::pending::<()>().await;
}

/// After the attempts in place a copy waits with the broker.
#[subscriber("later", retries = 1, redeliver = ["500ms"])]
async fn later(context: Context) -> modi::Result {
    if context.attempt() < 3 { Err(Error::new("the bank is closed")) } else { Ok(()) }
}

#[subscriber("ignored")]
async fn ignored() -> Outcome {
    Outcome::drop("an order of a test customer")
}

#[subscriber("telemetry", retries = 1, failure = drop)]
async fn telemetry() -> modi::Result {
    Err(Error::new("the disk is full"))
}

/// Nothing may be handled behind what cannot be handled.
#[subscriber("strict", retries = 0, failure = stop)]
async fn strict() -> modi::Result {
    Err(Error::new("the books do not balance"))
}

#[subscriber("outage")]
async fn outage(stock: Arc<Stock>) -> modi::Result {
    stock.reserve()
}

#[module(
    providers = [Stock],
    subscribers = [
        deadly, transient, poison, reading, rejected, panics, slow, later, ignored, telemetry, strict, outage,
    ],
)]
pub(crate) struct FailureModule;
