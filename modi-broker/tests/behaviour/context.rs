//! What a handler learns about its attempt, and what its end tells those whom it has spawned.

use crate::idle;
use crate::shop::{Probe, subscriber};
use crate::stage::stage;
use crate::time::pass;
use modi_broker::{
    Attempt, Context, Early, FromMessage, Handler, Json, Message, Outcome, Spec, TestApp, argument, early,
};
use modi_core::graph::Edge;
use modi_core::{Module, Result};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// `#[subscriber("told", group = "ears", retries = 0)]`: spawns a watcher, then does what the script says.
async fn told(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    let seconds = |context: &Context| context.remaining().as_secs();
    let (key, tenant) =
        (context.key().cloned().unwrap_or_default(), context.headers().text("tenant").unwrap_or("none"));
    let at = context.timestamp().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
    probe.note(format!("about {} {} {key:?} {tenant} {at:?}", context.topic(), context.group()));
    probe.note(format!("left {} s", seconds(&context)));
    let (watched, watcher) = (context.clone(), probe.clone());
    tokio::spawn(async move {
        watched.cancelled().await;
        watcher.note(format!("cancelled {n} {}", watched.is_cancelled()));
    });
    pass(Duration::from_secs(4)).await;
    probe.note(format!("then {} s, {:?}", seconds(&context), context.deadline() - tokio::time::Instant::now()));
    probe.play("told", n, &context).await
}

subscriber!(Told = told(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("told").group("ears").retries(0));
stage!(Contexts: Told "told");

#[tokio::test(start_paused = true)]
async fn a_context_tells_what_surrounds_the_payload_and_how_much_time_is_left() {
    let app = TestApp::start(Contexts).await.unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
    let message = Message::json(&1).unwrap().with_key("k").with_header("tenant", "acme").with_timestamp(at);
    app.publish_message("told", message).await.unwrap();
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("about"), ["about told ears b\"k\" acme 7s"]);
    assert_eq!(probe.notes("left"), ["left 15 s"]);
    assert_eq!(probe.notes("then"), ["then 11 s, 11s"], "the deadline counts from the first wait");
    idle().await;
    assert!(probe.notes("cancelled").is_empty(), "it came to its own end");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_cancels_what_a_handler_has_spawned() {
    let app = TestApp::start(Contexts).await.unwrap();
    app.get::<Probe>().on("told", |_| std::future::pending());
    app.publish("told", &1).await.unwrap();
    idle().await;
    assert_eq!(app.get::<Probe>().notes("cancelled"), ["cancelled 1 true"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_cancels_what_a_handler_has_spawned() {
    let app = TestApp::start(Contexts).await.unwrap();
    app.get::<Probe>().on("told", |_| async { panic!("no") });
    app.publish("told", &1).await.unwrap();
    idle().await;
    assert_eq!(app.get::<Probe>().notes("cancelled"), ["cancelled 1 true"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_drain_cancels_what_a_handler_has_spawned() {
    let setup = TestApp::new(Contexts).configure(|app| app.drain_deadline(Duration::from_secs(1)));
    let app = setup.start().await.unwrap();
    app.broker().publish("told", Message::json(&1).unwrap()).await.unwrap();
    idle().await;
    let probe = app.get::<Probe>().clone();
    app.stop().await.unwrap();
    idle().await;
    assert_eq!(probe.notes("cancelled"), ["cancelled 1 true"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_application_cancels_what_its_handlers_have_spawned() {
    let app = TestApp::start(Contexts).await.unwrap();
    app.broker().publish("told", Message::json(&1).unwrap()).await.unwrap();
    idle().await;
    let probe = app.get::<Probe>().clone();
    drop(app);
    idle().await;
    assert_eq!(probe.notes("cancelled"), ["cancelled 1 true"]);
}
