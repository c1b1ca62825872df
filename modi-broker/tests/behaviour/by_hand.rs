//! Handlers that take the lease of their messages and settle them by hand.

use crate::idle;
use crate::shop::{Probe, subscriber};
use crate::stage::stage;
use crate::time::pass;
use modi_broker::contract::SettleResult;
use modi_broker::{
    Attempt, Context, Early, FromMessage, Handler, Json, Lease, MemoryBroker, Message, Order, Outcome, Spec, TestApp,
    argument, early,
};
use modi_core::graph::Edge;
use modi_core::module::Module;
use modi_core::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Leaves its leases to the test; what the script says becomes of the attempt itself.
async fn kept(Json(n): Json<u32>, lease: Lease, context: Context, probe: Arc<Probe>) -> Result<()> {
    probe.leases.lock().unwrap().insert(n, lease);
    probe.play("kept", n, &context).await.map(drop)
}

/// `#[subscriber("kept", prefetch = 4)]`
async fn in_order(n: Json<u32>, lease: Lease, context: Context, probe: Arc<Probe>) -> Result<()> {
    kept(n, lease, context, probe).await
}

/// `#[subscriber("side", concurrency = 2, order = none, prefetch = 4)]`
async fn side(n: Json<u32>, lease: Lease, context: Context, probe: Arc<Probe>) -> Result<()> {
    kept(n, lease, context, probe).await
}

/// `#[subscriber("inside")]`: settles while it runs.
async fn inside(Json(n): Json<u32>, lease: Lease, probe: Arc<Probe>) {
    probe.note(format!("inside {n}: {:?}", lease.ack().await));
}

subscriber!(InOrder = in_order(n: Json<u32>, lease: Lease, context: Context, probe: Arc<Probe>) -> Result<()>,
    Spec::new("kept").prefetch(4));
subscriber!(Aside = side(n: Json<u32>, lease: Lease, context: Context, probe: Arc<Probe>) -> Result<()>,
    Spec::new("side").concurrency(2).order(Order::None).prefetch(4));
subscriber!(Inside = inside(n: Json<u32>, lease: Lease, probe: Arc<Probe>) -> (), Spec::new("inside"));

stage!(Hands: InOrder "in_order", Aside "side", Inside "inside");

async fn start(memory: &MemoryBroker, topic: &str, numbers: std::ops::Range<u32>) -> TestApp<Hands> {
    for number in numbers {
        memory.publish(topic, Message::json(&number).unwrap()).await.unwrap();
    }
    let setup = TestApp::new(Hands).broker(memory).configure(|app| app.drain_deadline(Duration::from_secs(5)));
    let app = setup.start().await.unwrap();
    idle().await;
    app
}

fn lease(app: &TestApp<Hands>, number: u32) -> Lease {
    app.get::<Probe>().leases.lock().unwrap().remove(&number).unwrap()
}

#[tokio::test(start_paused = true)]
async fn leases_are_settled_after_their_handlers_have_returned_in_any_order() {
    for topic in ["kept", "side"] {
        let memory = MemoryBroker::new();
        let app = start(&memory, topic, 0..3).await;
        assert_eq!((app.get::<Probe>().notes("kept").len(), memory.messages(topic).len()), (3, 3));
        for number in [2, 0] {
            assert_eq!(lease(&app, number).ack().await, SettleResult::Settled);
        }
        assert_eq!(memory.messages(topic).len(), 2, "1 is not done");
        lease(&app, 1).ack().await;
        app.settled().await.unwrap();
        assert_eq!(app.report().total().acked, 3);
        app.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_dropped_gives_its_message_back_and_that_is_counted() {
    let memory = MemoryBroker::new();
    let app = start(&memory, "kept", 0..1).await;
    drop(lease(&app, 0));
    idle().await;
    assert_eq!(app.get::<Probe>().notes("kept"), ["kept 0 attempt 1", "kept 0 attempt 1"]);
    lease(&app, 0).ack().await;
    let total = app.report().total();
    assert_eq!((total.returned, total.released, total.acked), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_settle_while_it_runs() {
    let memory = MemoryBroker::new();
    let app = start(&memory, "inside", 0..2).await;
    app.settled().await.unwrap();
    assert_eq!(app.get::<Probe>().notes("inside"), ["inside 0: Settled", "inside 1: Settled"]);
}

#[tokio::test(start_paused = true)]
async fn the_lease_of_an_attempt_that_failed_is_worth_nothing() {
    for topic in ["kept", "side"] {
        let memory = MemoryBroker::new();
        let app = start(&memory, topic, 0..0).await;
        app.get::<Probe>()
            .on("kept", |call| async move { if call.attempt == 1 { Err(Error::new("no")) } else { Ok(Outcome::Ack) } });
        let broker = memory.clone();
        broker.publish(topic, Message::json(&7).unwrap()).await.unwrap();
        idle().await;
        let first = lease(&app, 7);
        pass(Duration::from_secs(1)).await;
        assert_eq!(app.get::<Probe>().notes("kept").len(), 2);
        assert_eq!(first.ack().await, SettleResult::LeaseLost);
        assert_eq!(memory.messages(topic).len(), 1);
        lease(&app, 7).ack().await;
        app.settled().await.unwrap();
        assert!(memory.messages(topic).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_may_leave_its_message_to_the_failure_path() {
    for topic in ["kept", "side"] {
        let memory = MemoryBroker::new();
        let app = start(&memory, topic, 0..2).await;
        assert!(lease(&app, 0).settle(Outcome::reject("not this one")));
        assert!(lease(&app, 1).settle(Outcome::retry()));
        pass(Duration::from_secs(1)).await;
        let letters = app.dead_letters(topic);
        assert_eq!((letters.len(), &*letters[0].error), (1, "not this one"));
        assert!(app.get::<Probe>().notes("kept 1").contains(&"kept 1 attempt 2".to_owned()));
        lease(&app, 1).ack().await;
        app.settled().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_prefetch_is_held() {
    for topic in ["kept", "side"] {
        let memory = MemoryBroker::new();
        let app = start(&memory, topic, 0..9).await;
        assert_eq!(app.get::<Probe>().notes("kept").len(), 4);
        for number in 0..9 {
            lease(&app, number).ack().await;
            idle().await;
        }
        app.settled().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_leases_until_its_deadline_and_then_gives_their_messages_back() {
    for topic in ["kept", "side"] {
        let memory = MemoryBroker::new();
        let app = start(&memory, topic, 0..2).await;
        let (soon, never) = (lease(&app, 0), lease(&app, 1));
        let begun = Instant::now();
        let settles = async {
            pass(Duration::from_secs(2)).await;
            assert_eq!(soon.ack().await, SettleResult::Settled);
        };
        let report = app.report();
        let (stopped, ()) = tokio::join!(app.stop(), settles);
        stopped.unwrap();
        assert_eq!((report.total().in_flight(), begun.elapsed().as_secs()), (2, 5));
        assert_eq!(memory.messages(topic).len(), 1);
        assert_eq!(never.ack().await, SettleResult::LeaseLost);
    }
}
