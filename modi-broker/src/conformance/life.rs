//! G. How subscribers end, rest, and tell how they are.

use super::faulty::{Faulty, Operation};
use super::member::id;
use super::probe::{ACK, Call, Said};
use super::run::Proof;
use super::stage::{Nothing, scenes};
use super::test::{DRAIN, GROUP, PATIENCE, Running, TOPIC, Test, ids, item, sorted, within};
use crate::contract::SubscribeOptions;
use crate::{Spec, SubscriberState, To};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);
const NAME: &str = "Stage::act";

scenes! {
    Plain: Nothing = Spec::new(TOPIC);
    Brief: Nothing = Spec::new(TOPIC).retries(0).deadline(Duration::from_millis(100));
    Long: Nothing = Spec::new(TOPIC).deadline(Duration::from_secs(3_600));
}

pub(super) async fn c61_a_drain_ends_intake_then_handlers_then_settlements_then_publications(test: &Test<'_>) -> Proof {
    let faulty = Faulty::new(&test.broker);
    let mut results = test.join("results", "reader").await;
    let play = |call: Call<Nothing>| async move {
        sleep(SECOND / 2).await;
        // Publishing is open while the handlers finish.
        call.publisher.to("results").message(item("by hand")).send().await?;
        Ok(Said::Publish(vec![To::new("results", item("returned"))]))
    };
    let app = test.start_on::<Plain, _>(&faulty.broker(), GROUP, play).await.unwrap();
    test.put_ids(["1"]).await;
    app.begins(1).await;
    let broker = app.broker.clone();
    app.stop().await;
    assert_eq!(broker.report().total().acked, 1, "what runs is finished");
    let calls = faulty.calls();
    let last = |call| calls.iter().rposition(|other| *other == call).unwrap();
    let order = [Operation::Next, Operation::Topic, Operation::Settle, Operation::Flush, Operation::Close].map(last);
    let stop = last(Operation::Stop);
    assert!(order.is_sorted() && order[0] < stop && stop < order[3], "{calls:?}");
    for expected in ["by hand", "returned"] {
        let delivery = results.one().await;
        assert_eq!(id(&delivery.message), expected);
        results.done([delivery]).await;
    }
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

pub(super) async fn c62_what_is_not_finished_at_the_deadline_of_a_drain_is_released(test: &Test<'_>) -> Proof {
    let app = test
        .start::<Long, _>(|_| async {
            sleep(600 * SECOND).await;
            ACK
        })
        .await;
    test.put_ids(0..3).await;
    app.begins(1).await;
    let (begun, broker) = (Instant::now(), app.broker.clone());
    app.stop().await;
    let took = begun.elapsed();
    assert!(took >= DRAIN && took < DRAIN + 3 * SECOND, "{took:?}");
    let total = broker.report().total();
    assert_eq!((total.acked, total.in_flight(), total.received), (0, 0, total.released + total.lost), "{total:?}");
    let app = test.start::<Plain, _>(|_| async { ACK }).await;
    if !test.claims.at_least_once {
        test.quiet().await;
        app.stop().await;
        return test.forgets().await;
    }
    app.handles(3).await;
    assert!(app.probe.begun().iter().all(|note| note.attempt == 1));
    assert_eq!(sorted(app.stop().await.handled()), ids(0..3));
    Proof::Held
}

pub(super) async fn c64_closing_twice_is_no_error(test: &Test<'_>) -> Proof {
    let connection = within(test.broker.connector().connect()).await.unwrap();
    let publisher = within(connection.publisher()).await.unwrap();
    let mut subscription = within(connection.subscribe(&SubscribeOptions::new(TOPIC, GROUP))).await.unwrap();
    within(subscription.source.stop()).await.unwrap();
    within(subscription.source.stop()).await.unwrap();
    drop(subscription);
    within(publisher.flush()).await.unwrap();
    within(publisher.flush()).await.unwrap();
    within(connection.close(PATIENCE)).await.unwrap();
    within(connection.close(PATIENCE)).await.unwrap();
    let app = test.start::<Plain, _>(|_| async { ACK }).await;
    app.app.stop_handle().stop();
    app.app.stop_handle().stop();
    app.stop().await;
    Proof::Held
}

pub(super) async fn c66_one_subscriber_is_stopped_and_started_again(test: &Test<'_>) -> Proof {
    let app = test.start::<Plain, _>(|_| async { ACK }).await;
    let subscribers = app.subscribers();
    test.put_ids(["1"]).await;
    app.handles(1).await;
    within(subscribers.stop(NAME)).await.unwrap();
    test.put_ids(["2"]).await;
    test.quiet().await;
    assert_eq!(app.probe.handled(), ["1"]);
    within(subscribers.start(NAME)).await.unwrap();
    test.put_ids(["3"]).await;
    let expected = if test.claims.at_least_once { vec!["1", "2", "3"] } else { vec!["1", "3"] };
    app.handles(expected.len()).await;
    assert_eq!(sorted(app.stop().await.handled()), expected);
    if test.claims.at_least_once { Proof::Held } else { test.forgets().await }
}

pub(super) async fn c67_a_paused_subscriber_gets_nothing_and_loses_nothing(test: &Test<'_>) -> Proof {
    let faulty = Faulty::new(&test.broker);
    let app = test.start_on::<Plain, _>(&faulty.broker(), GROUP, |_| async { ACK }).await.unwrap();
    let subscribers = app.subscribers();
    subscribers.pause(NAME).unwrap();
    test.quiet().await;
    test.put_ids(0..5).await;
    test.quiet().await;
    assert!(app.probe.begun().is_empty(), "{:?}", app.probe.begun());
    subscribers.resume(NAME).unwrap();
    app.handles(5).await;
    assert!(app.probe.begun().iter().all(|note| note.attempt == 1));
    // It has not left its group.
    assert!(!faulty.calls().contains(&Operation::Stop));
    assert_eq!(sorted(app.stop().await.handled()), ids(0..5));
    Proof::Held
}

/// Waits until the only subscriber is so.
async fn becomes(app: &Running<Plain>, state: SubscriberState) {
    let begun = Instant::now();
    let subscribers = app.subscribers();
    while subscribers.get(NAME).unwrap().state != state {
        assert!(begun.elapsed() < PATIENCE, "{:?}, not {state:?}", subscribers.get(NAME));
        sleep(Duration::from_millis(5)).await;
    }
}

pub(super) async fn c68_health_tells_the_truth(test: &Test<'_>) -> Proof {
    let faulty = Faulty::new(&test.broker);
    let app = test.start_on::<Plain, _>(&faulty.broker(), GROUP, |_| async { ACK }).await.unwrap();
    let subscribers = app.subscribers();
    becomes(&app, SubscriberState::Running).await;
    assert!(subscribers.health().ready() && subscribers.health().live());
    subscribers.pause(NAME).unwrap();
    becomes(&app, SubscriberState::Paused).await;
    assert!(subscribers.health().ready(), "somebody wants it so");
    subscribers.resume(NAME).unwrap();
    becomes(&app, SubscriberState::Running).await;
    // The broker is away.
    faulty.refuse(Operation::Next, 4);
    becomes(&app, SubscriberState::Reconnecting).await;
    assert!(!subscribers.health().ready() && subscribers.health().live());
    test.put_ids(["1"]).await;
    app.handles(1).await;
    becomes(&app, SubscriberState::Running).await;
    assert!(subscribers.health().ready());
    within(subscribers.stop(NAME)).await.unwrap();
    assert_eq!(subscribers.get(NAME).unwrap().state, SubscriberState::Stopped);
    app.stop().await;
    assert!(!subscribers.health().ready());
    Proof::Held
}

pub(super) async fn c69_a_handler_that_is_cut_off_hears_of_it(test: &Test<'_>) -> Proof {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let play = move |heard: mpsc::UnboundedSender<String>| {
        move |call: Call<Nothing>| {
            let (heard, context, id) = (heard.clone(), call.context.clone(), call.id().to_owned());
            async move {
                // What it has started goes on, unless it listens.
                tokio::spawn(async move {
                    context.cancelled().await;
                    let _listening = heard.send(id);
                });
                std::future::pending::<()>().await;
                ACK
            }
        }
    };
    let app = test.start_as::<Brief, _>("brief", play(heard.clone())).await;
    test.put_ids(["deadline"]).await;
    assert_eq!(within(hears.recv()).await.as_deref(), Some("deadline"));
    app.until(|stats| stats.timeouts == 1).await;
    app.stop().await;

    let app = test.start_as::<Long, _>("long", play(heard)).await;
    test.put_ids(["drain"]).await;
    within(app.probe.until(|notes| !notes.is_empty())).await;
    let first = app.probe.begun()[0].id.clone();
    app.stop().await;
    assert_eq!(within(hears.recv()).await, Some(first));
    Proof::Held
}
