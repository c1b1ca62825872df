//! A module whose handlers run side by side.

use crate::shop::{Probe, subscriber};
use crate::stage::stage;
use modi_broker::contract::OrderScope;
use modi_broker::{Ack, Attempt, Context, Early, FromMessage, Handler, Json, Order, Outcome, Spec, argument, early};
use modi_core::Result;
use modi_core::graph::Edge;
use modi_core::module::Module;
use std::sync::Arc;
use std::time::Duration;

async fn play(handler: &'static str, n: u32, context: Context, probe: &Probe) -> Result<Outcome> {
    let outcome = probe.play(handler, n, &context).await;
    probe.note(format!("end {handler} {n}"));
    outcome
}

/// `#[subscriber("keyed", concurrency = 8, order = key, scope = process, prefetch = 32)]`
async fn keyed(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    play("keyed", n, context, &probe).await
}

/// `#[subscriber("laned", concurrency = 8, prefetch = 32)]`
async fn laned(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    play("laned", n, context, &probe).await
}

/// `#[subscriber("free", concurrency = 4, order = none, prefetch = 16)]`
async fn free(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    play("free", n, context, &probe).await
}

/// `#[subscriber("paid", concurrency = 4, order = none, publish = "receipts")]`
async fn paid(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Json<u32>> {
    play("paid", n, context, &probe).await?;
    Ok(Json(n))
}

/// `#[subscriber("hurried", concurrency = 4, order = none, ack = received)]`
async fn hurried(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    play("hurried", n, context, &probe).await
}

subscriber!(Keyed = keyed(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("keyed").concurrency(8).order(Order::Key).scope(OrderScope::Process).prefetch(32));
subscriber!(Laned = laned(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("laned").concurrency(8).prefetch(32));
subscriber!(Free = free(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("free").concurrency(4).order(Order::None).prefetch(16));
subscriber!(Paid = paid(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Json<u32>>,
    Spec::new("paid").concurrency(4).order(Order::None).publish("receipts"));
subscriber!(Hurried = hurried(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("hurried").concurrency(4).order(Order::None).ack(Ack::Received));

/// `#[subscriber("paced", rate = "10/s")]`
async fn paced(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    play("paced", n, context, &probe).await
}

/// `#[subscriber("paced", group = "wide", rate = "10/s", concurrency = 8, order = none)]`
async fn wide(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    play("wide", n, context, &probe).await
}

subscriber!(Paced = paced(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("paced").rate(10, Duration::from_secs(1)));
subscriber!(Wide = wide(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("paced").group("wide").rate(10, Duration::from_secs(1)).concurrency(8).order(Order::None));

stage!(Side: Keyed "keyed", Laned "laned", Free "free", Paid "paid", Hurried "hurried", Paced "paced", Wide "wide");
