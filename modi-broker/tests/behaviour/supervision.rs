//! What follows when a subscriber cannot go on, and when all of them are to end.

use crate::flaky::{Call, Flaky};
use crate::idle;
use crate::lab::Lab;
use crate::shop::{Probe, Shop};
use crate::time::pass;
use modi_broker::{
    AppExt, Broker, BrokerErrorKind, MemoryBroker, Message, Outcome, RunningAppExt, SubscriberState, TestApp,
};
use modi_core::{App, Error};
use std::time::Duration;
use tokio::time::Instant;

async fn put(memory: &MemoryBroker, topic: &str, number: u32) {
    memory.publish(topic, Message::json(&number).unwrap()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_begins_again_ten_times_in_a_row_and_then_the_application_stops() {
    let app = TestApp::start(Lab).await.unwrap();
    let (subscribers, probe) = (app.subscribers(), app.get::<Probe>());
    probe.on(
        "again",
        |call| async move { if call.number == 0 { Ok(Outcome::Ack) } else { Err(Error::new("no stock")) } },
    );
    put(app.broker(), "again", 1).await;
    idle().await;
    let status = subscribers.get("Lab::again").unwrap();
    assert_eq!(status.state, SubscriberState::Restarting);
    assert!(status.error.unwrap().ends_with(": no stock"));
    assert!(!subscribers.health().ready() && subscribers.health().live());
    let begun = Instant::now();
    app.app().host().stop().stopped().await;
    assert_eq!(probe.notes("again").len(), 11);
    let most = 1 + 2 + 4 + 8 + 16 + 32 + 4 * 60;
    assert!((10..=most).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let memory = app.broker().clone();
    let text = format!("{:#}", app.stop().await.unwrap_err());
    assert!(text.starts_with("`Lab::again` cannot go on: ") && text.ends_with(": no stock"), "{text}");
    assert_eq!(memory.messages("again").len(), 1, "it stays with the broker");
}

#[tokio::test(start_paused = true)]
async fn a_success_in_between_counts_the_restarts_anew() {
    let app = TestApp::start(Lab).await.unwrap();
    let probe = app.get::<Probe>().clone();
    let memory = app.broker().clone();
    // Every sixth call succeeds.
    let handled = probe.clone();
    probe.on("again", move |_| {
        let calls = handled.notes("again").len();
        async move { if calls % 6 == 0 { Ok(Outcome::Ack) } else { Err(Error::new("no stock")) } }
    });
    for number in 0..5 {
        put(&memory, "again", number).await;
    }
    app.settled().await.unwrap();
    assert_eq!(probe.notes("again").len(), 30);
    assert!(!app.app().host().stop().is_stopped());
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_of_the_intake_follows_the_policy_that_is_written() {
    let memory = MemoryBroker::new();
    let flaky = Flaky::new(&memory);
    let app = App::new(Lab).name("lab").broker(Broker::new("flaky", flaky.clone())).start().await.unwrap();
    let subscribers = app.subscribers();
    for name in ["brief", "wide", "long", "spread"] {
        subscribers.stop(&format!("Lab::{name}")).await.unwrap();
    }
    idle().await;
    // One each.
    flaky.refuse(Call::Next, 2, BrokerErrorKind::Refused);
    idle().await;
    let state = |name| subscribers.get(name).unwrap().state;
    assert_eq!((state("Lab::again"), state("Lab::halt")), (SubscriberState::Restarting, SubscriberState::Failed));
    pass(Duration::from_secs(60)).await;
    assert_eq!((state("Lab::again"), state("Lab::halt")), (SubscriberState::Running, SubscriberState::Failed));
    assert!(!subscribers.health().ready());
    subscribers.start("Lab::halt").await.unwrap();
    assert!(subscribers.health().ready());

    subscribers.start("Lab::long").await.unwrap();
    idle().await;
    subscribers.stop("Lab::halt").await.unwrap();
    subscribers.stop("Lab::again").await.unwrap();
    flaky.refuse(Call::Next, 1, BrokerErrorKind::Refused);
    app.host().stop().stopped().await;
    assert_eq!(format!("{:#}", app.stop().await.unwrap_err()), "`Lab::long` cannot go on: a bad day for Next");
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_cut_reports_what_was_finished_and_what_was_given_back() {
    let memory = MemoryBroker::new();
    let flaky = Flaky::new(&memory);
    let broker = Broker::new("flaky", flaky.clone());
    let app = App::new(Shop).name("shop").drain_deadline(Duration::from_secs(5)).broker(broker.clone());
    let app = app.start().await.unwrap();
    let takes = |seconds| {
        move |_| async move {
            pass(Duration::from_secs(seconds)).await;
            Ok(Outcome::Ack)
        }
    };
    // The first message of a run is asked for alone.
    for topic in ["judged", "orders.created", "at.once"] {
        put(&memory, topic, 9).await;
    }
    idle().await;
    app.get::<Probe>().on("judged", takes(3));
    app.get::<Probe>().on("created", takes(10));
    app.get::<Probe>().on("hasty", takes(10));
    for number in [1, 3] {
        for topic in ["judged", "orders.created", "at.once"] {
            put(&memory, topic, number).await;
        }
    }
    idle().await;
    let begun = Instant::now();
    app.stop().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 5);
    let report = broker.report();
    let of = |name: &str| {
        let stats = report.subscribers.iter().find(|stats| stats.name == name).unwrap();
        (stats.finished(), stats.released, stats.lost, stats.in_flight())
    };
    assert_eq!(of("Shop::judged"), (2, 1, 0, 0), "one was finished, one had not begun");
    assert_eq!(of("Shop::created"), (1, 2, 0, 0), "one was cut, one had not begun");
    assert_eq!(of("Shop::hasty"), (1, 1, 1, 0), "one was acknowledged before");
    let total = report.total();
    assert_eq!(total.received, total.finished() + total.released + total.lost);
    let left = ["judged", "orders.created", "at.once"].map(|topic| memory.messages(topic).len());
    assert_eq!(left, [1, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_to_stop_twice_drains_and_closes_once() {
    let flaky = Flaky::new(&MemoryBroker::new());
    let app = App::new(Shop).name("shop").broker(Broker::new("flaky", flaky.clone())).start().await.unwrap();
    idle().await;
    let stop = app.stop_handle();
    stop.stop();
    stop.stop();
    app.stop().await.unwrap();
    stop.stop();
    assert_eq!((flaky.count(Call::Stop), flaky.count(Call::Close)), (7, 1));
}
