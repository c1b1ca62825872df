//! Brokers that are not there when an application starts.

use crate::capture::Capture;
use crate::flaky::{Call, Flaky};
use crate::shop::{Probe, Shop};
use crate::time::pass;
use modi_broker::{AppExt, Broker, BrokerErrorKind, MemoryBroker, Message};
use modi_core::{App, Error, StartError};
use std::time::Duration;
use tokio::time::Instant;

fn told(error: StartError) -> String {
    format!("{:#}", Error::new(error))
}

const NEVER: usize = usize::MAX;

#[tokio::test(start_paused = true)]
async fn a_broker_that_comes_later_is_waited_for_and_each_wait_is_said_once() {
    let memory = MemoryBroker::new();
    let start = async || {
        let flaky = Flaky::new(&memory);
        for call in [Call::Connect, Call::Provision, Call::Subscribe] {
            flaky.refuse(call, 4, BrokerErrorKind::Unavailable);
        }
        App::new(Shop).name("shop").broker(Broker::new("flaky", flaky)).start().await.unwrap()
    };
    // What other tests make known to `tracing` for the first time while this one begins to listen might be missed.
    start().await.stop().await.unwrap();
    let (capture, _guard) = Capture::start(tracing::Level::WARN);
    let begun = Instant::now();
    let app = start().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    memory.publish("judged", Message::json(&1).unwrap()).await.unwrap();
    pass(Duration::from_secs(1)).await;
    assert_eq!(app.get::<Probe>().notes("judged").len(), 1);
    let said: Vec<_> = capture.events().iter().map(|line| line.get("message").to_owned()).collect();
    assert_eq!(
        said,
        [
            "not connected: the broker is waited for",
            "its topics cannot be looked at: the broker is waited for",
            "no subscription: the broker is waited for",
        ]
    );
    assert!(capture.events().iter().all(|line| line.get("scheme") == "flaky" && line.get("within") == "30s"));
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_come_is_an_error_after_30_seconds_or_as_configured() {
    for (within, patience) in [(30, None), (5, Some(5)), (0, Some(0))] {
        let flaky = Flaky::new(&MemoryBroker::new());
        flaky.refuse(Call::Connect, NEVER, BrokerErrorKind::Unavailable);
        let mut broker = Broker::new("flaky", flaky.clone());
        if let Some(patience) = patience {
            broker = broker.wait_for(Duration::from_secs(patience));
        }
        let begun = Instant::now();
        let error = App::new(Shop).name("shop").broker(broker).start().await.unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), within);
        assert_eq!(flaky.count(Call::Connect) == 1, within == 0);
        let text = "the broker layer failed to start: the broker `flaky` cannot be connected: a bad day for Connect";
        assert_eq!(told(error), text);
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_start_holds_for_brokers_too() {
    let flaky = Flaky::new(&MemoryBroker::new());
    flaky.refuse(Call::Subscribe, NEVER, BrokerErrorKind::Unavailable);
    let app = App::new(Shop).name("shop").start_deadline(Duration::from_secs(9));
    let begun = Instant::now();
    let error = app.broker(Broker::new("flaky", flaky.clone())).start().await.unwrap_err();
    assert_eq!((begun.elapsed().as_secs(), flaky.count(Call::Close)), (9, 1));
    assert_eq!(told(error), "not started after 9s: still waiting for the broker layer");
}

#[tokio::test(start_paused = true)]
async fn what_can_never_work_fails_at_once() {
    let kind = BrokerErrorKind::Refused;
    for (call, text) in [
        (Call::Connect, "the broker `flaky` cannot be connected: a bad day for Connect"),
        (Call::Provision, "the topics of the broker `flaky` cannot be provided: a bad day for Provision"),
    ] {
        let flaky = Flaky::new(&MemoryBroker::new());
        flaky.refuse(call, NEVER, kind);
        let begun = Instant::now();
        let app = App::new(Shop).name("shop").broker(Broker::new("flaky", flaky.clone()));
        assert_eq!(told(app.start().await.unwrap_err()), format!("the broker layer failed to start: {text}"));
        assert_eq!((begun.elapsed(), flaky.count(call)), (Duration::ZERO, 1));
    }
    let flaky = Flaky::new(&MemoryBroker::new());
    flaky.refuse(Call::Subscribe, 2, kind);
    let app = App::new(Shop).name("shop").broker(Broker::new("flaky", flaky.clone()));
    let text = told(app.start().await.unwrap_err());
    for name in ["completed", "created"] {
        assert!(text.contains(&format!("`Shop::{name}` cannot subscribe: a bad day for Subscribe")), "{text}");
    }
    assert_eq!((flaky.count(Call::Subscribe), flaky.count(Call::Close)), (7, 1), "all are tried, all are told");
}

#[tokio::test(start_paused = true)]
async fn brokers_that_fail_are_told_together_and_nobody_waits_once_one_can_never_work() {
    let broker = |kind| {
        let flaky = Flaky::new(&MemoryBroker::new());
        flaky.refuse(Call::Connect, NEVER, kind);
        Broker::new(if kind == BrokerErrorKind::Refused { "refused" } else { "away" }, flaky)
    };
    let (refused, away) = (broker(BrokerErrorKind::Refused), broker(BrokerErrorKind::Unavailable));
    let begun = Instant::now();
    let app = App::new(Shop).name("shop").broker(away.clone()).named_broker("audit", refused);
    let text = told(app.start().await.unwrap_err());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    for scheme in ["away", "refused"] {
        assert!(
            text.contains(&format!("\n  the broker `{scheme}` cannot be connected: a bad day for Connect")),
            "{text}"
        );
    }

    let app = App::new(Shop).name("shop").broker(away.clone()).named_broker("audit", away);
    let text = told(app.start().await.unwrap_err());
    assert_eq!((text.lines().count(), begun.elapsed().as_secs()), (3, 30), "{text}");
}
