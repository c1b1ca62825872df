//! A module for tests of subscribers as such: how they are supervised, watched and spread.

use crate::shop::{Probe, subscriber};
use crate::stage::stage;
use modi_broker::{
    Attempt, Context, Early, FailurePolicy, FromMessage, Handler, Json, Order, Outcome, Spec, argument, early,
};
use modi_core::Result;
use modi_core::graph::Edge;
use modi_core::module::Module;
use std::sync::Arc;
use std::time::Duration;

/// `#[subscriber("brief", deadline = "1ms")]`
async fn brief(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("brief", n, &context).await
}

/// `#[subscriber("wide", deadline = "1ms", concurrency = 4, order = none)]`
async fn wide(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("wide", n, &context).await
}

/// `#[subscriber("long", deadline = "60s")]`
async fn long(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("long", n, &context).await
}

/// `#[subscriber("spread", tasks = 3, order = none, prefetch = 1)]`
async fn spread(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("spread", n, &context).await
}

/// `#[subscriber("again", retries = 0, failure = restart)]`
async fn again(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("again", n, &context).await
}

/// `#[subscriber("halt", retries = 0, failure = stop)]`
async fn halt(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("halt", n, &context).await
}

subscriber!(Brief = brief(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("brief").deadline(Duration::from_millis(1)));
subscriber!(Wide = wide(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("wide").deadline(Duration::from_millis(1)).concurrency(4).order(Order::None));

subscriber!(Long = long(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("long").deadline(Duration::from_secs(60)));

subscriber!(Spread = spread(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("spread").tasks(3).order(Order::None).prefetch(1));

subscriber!(Again = again(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("again").retries(0).failure(FailurePolicy::Restart));
subscriber!(Halt = halt(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("halt").retries(0).failure(FailurePolicy::Stop));

stage!(Lab: Brief "brief", Wide "wide", Long "long", Spread "spread", Again "again", Halt "halt");
