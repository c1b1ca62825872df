//! Subscribers under control: paused, stopped, started, and seen from outside.

use crate::flaky::{Call, Flaky};
use crate::idle;
use crate::lab::Lab;
use crate::shop::{Probe, Shop};
use crate::time::pass;
use modi_broker::{
    AppExt, Broker, BrokerErrorKind, MemoryBroker, Message, Outcome, RunningAppExt, SubscriberError, SubscriberState,
    Subscribers, TestApp,
};
use modi_core::{App, Error, RunningApp};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

async fn put(memory: &MemoryBroker, topic: &str, number: u32) {
    memory.publish(topic, Message::json(&number).unwrap()).await.unwrap();
}

async fn flaky() -> (MemoryBroker, Flaky, RunningApp<Shop>) {
    let memory = MemoryBroker::new();
    let flaky = Flaky::new(&memory);
    let app = App::new(Shop).name("shop").broker(Broker::new("flaky", flaky.clone())).start().await.unwrap();
    idle().await;
    (memory, flaky, app)
}

fn state(subscribers: &Subscribers, name: &str) -> SubscriberState {
    subscribers.get(name).unwrap().state
}

#[tokio::test(start_paused = true)]
async fn a_paused_subscriber_receives_nothing_and_stays_in_its_group() {
    for (name, topic) in [("Shop::judged", "judged"), ("Lab::wide", "wide")] {
        let memory = MemoryBroker::new();
        let flaky = Flaky::new(&memory);
        let broker = Broker::new("flaky", flaky.clone());
        let (shop, lab);
        let (subscribers, probe) = if topic == "judged" {
            shop = App::new(Shop).name("g").broker(broker).start().await.unwrap();
            (shop.subscribers(), shop.get::<Probe>().clone())
        } else {
            lab = App::new(Lab).name("g").broker(broker).start().await.unwrap();
            (lab.subscribers(), lab.get::<Probe>().clone())
        };
        idle().await;
        let joined = flaky.count(Call::Subscribe);
        subscribers.pause(name).unwrap();
        put(&memory, topic, 1).await;
        pass(Duration::from_secs(60)).await;
        assert!(probe.notes(topic).is_empty(), "{name}");
        assert_eq!(state(&subscribers, name), SubscriberState::Paused);
        assert!(subscribers.health().ready(), "somebody wants it so");
        subscribers.resume(name).unwrap();
        idle().await;
        assert_eq!(probe.notes(topic), [format!("{topic} 1 attempt 1")]);
        assert_eq!(state(&subscribers, name), SubscriberState::Running);
        assert_eq!((flaky.count(Call::Subscribe), flaky.count(Call::Stop)), (joined, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_lets_the_handler_that_runs_finish() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("judged", |call| async move {
        pass(Duration::from_secs(u64::from(call.number))).await;
        Ok(Outcome::Ack)
    });
    put(app.broker(), "judged", 5).await;
    idle().await;
    app.subscribers().pause("Shop::judged").unwrap();
    put(app.broker(), "judged", 6).await;
    pass(Duration::from_secs(60)).await;
    assert_eq!(app.report().total().acked, 1);
    app.subscribers().resume("Shop::judged").unwrap();
    app.settled().await.unwrap();
    assert_eq!(app.report().total().acked, 2);
}

#[tokio::test(start_paused = true)]
async fn one_subscriber_is_stopped_and_started_while_the_others_go_on() {
    let (memory, flaky, app) = flaky().await;
    let (subscribers, probe) = (app.subscribers(), app.get::<Probe>());
    probe.on("judged", |_| async {
        pass(Duration::from_secs(3)).await;
        Ok(Outcome::Ack)
    });
    put(&memory, "judged", 1).await;
    put(&memory, "judged", 2).await;
    idle().await;
    let begun = Instant::now();
    subscribers.stop("Shop::judged").await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 2, "it finished what it had begun");
    assert_eq!(state(&subscribers, "Shop::judged"), SubscriberState::Stopped);
    assert_eq!((flaky.count(Call::Stop), memory.messages("judged").len()), (1, 1));
    assert!(subscribers.health().ready(), "somebody wants it so");

    put(&memory, "at.once", 7).await;
    pass(Duration::from_secs(60)).await;
    assert_eq!((probe.notes("judged").len(), probe.notes("hasty").len()), (1, 1));

    subscribers.stop("Shop::judged").await.unwrap();
    subscribers.start("Shop::judged").await.unwrap();
    subscribers.start("Shop::judged").await.unwrap();
    pass(Duration::from_secs(4)).await;
    assert_eq!(probe.notes("judged"), ["judged 1 attempt 1", "judged 2 attempt 1"]);
    assert_eq!(state(&subscribers, "Shop::judged"), SubscriberState::Running);
    assert_eq!(flaky.count(Call::Subscribe), 8, "seven at the start");
    app.stop().await.unwrap();
    assert!(memory.messages("judged").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_was_paused_and_stopped_is_still_paused_when_it_starts() {
    let app = TestApp::start(Shop).await.unwrap();
    let subscribers = app.subscribers();
    subscribers.stop("Shop::judged").await.unwrap();
    subscribers.pause("Shop::judged").unwrap();
    subscribers.start("Shop::judged").await.unwrap();
    put(app.broker(), "judged", 1).await;
    idle().await;
    assert_eq!(state(&subscribers, "Shop::judged"), SubscriberState::Paused);
    assert!(app.get::<Probe>().notes("judged").is_empty());
    subscribers.resume("Shop::judged").unwrap();
    app.settled().await.unwrap();
    assert_eq!(app.get::<Probe>().notes("judged").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_stopped_subscriber_does_not_finish_in_20_seconds_is_given_back() {
    let app = TestApp::start(Lab).await.unwrap();
    let (subscribers, probe) = (app.subscribers(), app.get::<Probe>());
    probe.on("long", |_| async {
        pass(Duration::from_secs(59)).await;
        Ok(Outcome::Ack)
    });
    put(app.broker(), "long", 1).await;
    idle().await;
    let begun = Instant::now();
    subscribers.stop("Lab::long").await.unwrap();
    assert_eq!((begun.elapsed().as_secs(), app.report().total().released), (20, 1));
    subscribers.start("Lab::long").await.unwrap();
    app.settled().await.unwrap();
    assert_eq!(probe.notes("long"), ["long 1 attempt 1", "long 1 attempt 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_cannot_be_started_says_why_and_can_be_started_later() {
    let (_, flaky, app) = flaky().await;
    let subscribers = app.subscribers();
    subscribers.stop("Shop::judged").await.unwrap();
    flaky.refuse(Call::Subscribe, 1, BrokerErrorKind::Unavailable);
    let error = subscribers.start("Shop::judged").await.unwrap_err();
    assert_eq!(error.to_string(), "`Shop::judged` cannot be started: a bad day for Subscribe");
    let status = subscribers.get("Shop::judged").unwrap();
    assert_eq!((status.state, status.error.as_deref()), (SubscriberState::Failed, Some("a bad day for Subscribe")));
    assert!(!subscribers.health().ready() && subscribers.health().live());
    subscribers.start("Shop::judged").await.unwrap();
    assert!(subscribers.health().ready());
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_name_that_nobody_has_is_an_error_that_tells_those_there_are() {
    let app = TestApp::start(Lab).await.unwrap();
    let unknown = app.subscribers().pause("brief").unwrap_err();
    assert!(matches!(&unknown, SubscriberError::Unknown { name, known } if name == "brief" && known.len() == 6));
    assert!(unknown.to_string().starts_with("there is no subscriber `brief`: there are `Lab::brief`, `Lab::wide`, "));
    assert_eq!(app.subscribers().start("brief").await, Err(unknown));
}

#[tokio::test(start_paused = true)]
async fn health_tells_starting_degraded_reconnecting_and_draining() {
    let memory = MemoryBroker::new();
    let flaky = Flaky::new(&memory);
    let app = App::new(Shop).name("shop").broker(Broker::new("flaky", flaky.clone()));
    let subscribers: Subscribers = app.extension::<Subscribers>().unwrap().clone();
    assert!(!subscribers.health().ready() && subscribers.health().live(), "it starts");
    let app = app.start().await.unwrap();
    idle().await;
    assert!(subscribers.health().ready());

    // The broker is away for a while.
    flaky.refuse(Call::Next, 7, BrokerErrorKind::Unavailable);
    pass(Duration::from_secs(1)).await;
    let health = subscribers.health();
    assert!(!health.ready() && health.live());
    assert!(health.subscribers.iter().all(|subscriber| subscriber.state == SubscriberState::Reconnecting));
    assert_eq!(health.subscribers[0].error.as_deref(), Some("a bad day for Next"));
    put(&memory, "judged", 1).await;
    pass(Duration::from_secs(1)).await;
    assert_eq!(state(&subscribers, "Shop::judged"), SubscriberState::Running, "a message came");
    pass(Duration::from_secs(20)).await;
    assert!(subscribers.health().ready(), "no error for long");

    // Nothing succeeds.
    app.get::<Probe>().on("judged", |_| async { Err(Error::new("the stock cannot be reached")) });
    for number in 0..20 {
        put(&memory, "judged", number).await;
    }
    pass(Duration::from_secs(60)).await;
    let status = subscribers.get("Shop::judged").unwrap();
    assert_eq!(status.state, SubscriberState::Degraded);
    let since = status.since.elapsed().unwrap().as_secs();
    assert!((50..=60).contains(&since), "{since}");
    assert!(!subscribers.health().ready() && subscribers.health().live());
    app.get::<Probe>().on("judged", |_| async { Ok(Outcome::Ack) });
    pass(Duration::from_secs(61)).await;
    assert!(subscribers.health().ready());

    app.host().stop().stop();
    assert!(!subscribers.health().ready() && subscribers.health().live());
    app.stop().await.unwrap();
    assert!(!subscribers.health().ready());
    assert!(subscribers.list().iter().all(|subscriber| subscriber.state == SubscriberState::Stopped));
    assert!(subscribers.start("Shop::judged").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_or_is_tried_again_for_long_is_not_stuck() {
    let app = TestApp::start(Lab).await.unwrap();
    let (subscribers, probe) = (app.subscribers(), app.get::<Probe>());
    probe.on("brief", |_| async { Ok(Outcome::retry_after(Duration::from_secs(600))) });
    put(app.broker(), "brief", 1).await;
    for _ in 0..100 {
        pass(Duration::from_secs(1)).await;
        assert!(subscribers.health().live());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_never_yields_is_stuck_until_it_does() {
    let app = TestApp::start(Lab).await.unwrap();
    let subscribers = app.subscribers();
    for topic in ["brief", "wide"] {
        // Dropped by a test that fails, too: then the handler goes on.
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        app.get::<Probe>().on(topic, move |_| {
            let _released = held.lock().unwrap().recv();
            async { Ok(Outcome::Ack) }
        });
        put(app.broker(), topic, 1).await;
        let name = format!("Lab::{topic}");
        loop {
            let health = subscribers.health();
            if health.subscribers.iter().any(|subscriber| subscriber.stuck && subscriber.name == name) {
                assert!(!health.live() && !health.ready());
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(release);
        while !subscribers.health().ready() {
            tokio::task::yield_now().await;
        }
    }
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_application_without_a_broker_has_no_subscribers_and_is_ready() {
    let app = App::new(Shop).start().await.unwrap();
    assert!(app.subscribers().list().is_empty() && app.subscribers().health().ready());
    app.host().stop().stop();
    assert!(!app.subscribers().health().ready());
}
