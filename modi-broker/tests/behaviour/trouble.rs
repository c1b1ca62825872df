//! A module whose handlers treat their failures in every way.

use crate::shop::{Probe, subscriber};
use crate::stage::stage;
use modi_broker::{
    Ack, Attempt, Context, Early, Errors, Failed, FailurePolicy, FromMessage, Handler, Headers, Json, Order, Outcome,
    Spec, argument, early,
};
use modi_core::Result;
use modi_core::graph::Edge;
use modi_core::module::Module;
use std::sync::Arc;
use std::time::Duration;

/// Notes the headers that it sees, and then plays.
async fn play(
    handler: &'static str,
    Json(n): Json<u32>,
    context: Context,
    headers: Headers,
    probe: Arc<Probe>,
) -> Result<Outcome> {
    let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    probe.note(format!("headers of {n}: {}", names.join(" ")));
    probe.play(handler, n, &context).await
}

macro_rules! plays {
    ($($(#[doc = $doc:literal])+ $marker:ident = $name:ident, $spec:expr;)*) => {
        $(
            $(#[doc = $doc])+
            async fn $name(n: Json<u32>, context: Context, headers: Headers, probe: Arc<Probe>) -> Result<Outcome> {
                play(stringify!($name), n, context, headers, probe).await
            }
            subscriber!($marker = $name(n: Json<u32>, context: Context, headers: Headers, probe: Arc<Probe>)
                -> Result<Outcome>, $spec);
        )*
        stage!(Trouble: $($marker stringify!($name)),*);
    };
}

const MINUTE: Duration = Duration::from_secs(60);

plays! {
    /// `#[subscriber("later", retries = 1, redeliver = ["1m", "10m"])]`
    Later = later, Spec::new("later").retries(1).redeliver(&[MINUTE, Duration::from_secs(600)]);
    /// `#[subscriber("aside", retries = 1, redeliver = ["1m"], concurrency = 8, order = key)]`
    Aside = aside, Spec::new("aside").retries(1).redeliver(&[MINUTE]).concurrency(8).order(Order::Key);
    /// `#[subscriber("taken", retries = 0, redeliver = ["1m"], ack = received)]`
    Taken = taken, Spec::new("taken").retries(0).redeliver(&[MINUTE]).ack(Ack::Received);
    /// `#[subscriber("dropped", retries = 1, failure = drop)]`
    Dropped = dropped, Spec::new("dropped").retries(1).failure(FailurePolicy::Drop);
    /// `#[subscriber("ignored", retries = 0, failure = drop, concurrency = 8, order = none)]`
    Ignored = ignored, Spec::new("ignored").retries(0).failure(FailurePolicy::Drop).concurrency(8).order(Order::None);
    /// `#[subscriber("halting", retries = 1, failure = stop_app)]`
    Halting = halting, Spec::new("halting").retries(1).failure(FailurePolicy::StopApp);
    /// `#[subscriber("ending", retries = 0, failure = stop_app, concurrency = 8, order = none)]`
    Ending = ending, Spec::new("ending").retries(0).failure(FailurePolicy::StopApp).concurrency(8).order(Order::None);
    /// `#[subscriber("stopping", retries = 0, failure = stop)]`
    Stopping = stopping, Spec::new("stopping").retries(0).failure(FailurePolicy::Stop);
    /// `#[subscriber("restarting", retries = 0, failure = restart)]`
    Restarting = restarting, Spec::new("restarting").retries(0).failure(FailurePolicy::Restart);
    /// `#[subscriber("silent", retries = 0, errors = off)]`
    Silent = silent, Spec::new("silent").retries(0).errors(Errors::Off);
    /// `#[subscriber("judging", retries = 2, on_error = judge)]`
    Judging = judging, Spec::new("judging").retries(2).on_error(judge);
}

/// Does what the error says.
fn judge(failed: &Failed<'_>) -> Option<Outcome> {
    let text = failed.error().to_string();
    assert!(text != "panic");
    match text.as_str() {
        "ack" => Some(Outcome::Ack),
        "drop" => Some(Outcome::drop("the hook said so")),
        "release" => Some(Outcome::Release),
        "retry" => Some(Outcome::retry()),
        "later" => Some(Outcome::retry_after(Duration::from_secs(3))),
        "reject" => {
            let message = failed.message();
            let (key, own) = (message.key().cloned().unwrap_or_default(), message.headers().text("own"));
            let (attempt, has, kind) = (failed.attempt(), failed.has_retries(), failed.kind().as_str());
            let place = format!("{} {} {}", failed.topic(), failed.group(), failed.subscriber());
            let key = String::from_utf8_lossy(&key).into_owned();
            Some(Outcome::reject(format!("{place}: {kind} {attempt} {has} {key} {}", own.unwrap_or_default())))
        }
        _ => None,
    }
}
