//! B. What comes again, when, and to whom.

use super::member::id;
use super::probe::{ACK, Call, Note};
use super::run::Proof;
use super::settlement::text;
use super::stage::{Nothing, scenes};
use super::test::{GROUP, TOPIC, Test, assert_on_time, ids, item, sorted, within};
use crate::contract::{Outgoing, Place};
use crate::{BrokerErrorKind, Spec};
use futures_util::future::join_all;
use modi_core::Error;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, interval};

const SECOND: Duration = Duration::from_secs(1);
const TWO: Duration = Duration::from_secs(2);

scenes! {
    Plain: Nothing = Spec::new(TOPIC);
    Later: Nothing = Spec::new(TOPIC).retries(0).redeliver(&[TWO]);
}

pub(super) async fn c14_a_retry_comes_to_the_group_that_failed_alone(test: &Test<'_>) -> Proof {
    let fails_once =
        |call: Call<Nothing>| async move { if call.attempt() == 1 { Err(Error::new("a bad day")) } else { ACK } };
    if !test.claims.at_least_once {
        let started = test.start_on::<Later, _>(&test.broker, GROUP, fails_once).await;
        let error = text(&started.map(|_| ()).unwrap_err());
        assert!(error.contains("`redeliver`"), "{error}");
        return Proof::Denied("at_least_once");
    }
    let other = test.start_as::<Plain, _>("other", |_| async { ACK }).await;
    let failing = test.start_as::<Later, _>("failing", fails_once).await;
    test.put_ids(0..3).await;
    failing.handles(3).await;
    other.handles(3).await;
    test.quiet().await;
    assert_eq!(sorted(other.stop().await.handled()), ids(0..3), "it got a copy that was not for it");
    let failing = failing.stop().await;
    assert_eq!((failing.begun().len(), sorted(failing.handled())), (6, ids(0..3)));
    Proof::Held
}

/// A message that is to come at once, and says when it was sent.
async fn put_now(test: &Test<'_>, number: u32, begun: Instant) {
    let at = begun.elapsed().as_micros().to_string();
    test.put(TOPIC, item(format!("fresh-{number}")).with_header("at", at)).await;
}

pub(super) async fn c15_delayed_retries_are_on_time_with_ten_thousand_parked_while_fresh_messages_flow(
    test: &Test<'_>,
) -> Proof {
    const PARKED: usize = 10_000;
    let retry = |id: String, after| Outgoing::new(Place::Retry { group: GROUP, topic: TOPIC, after }, item(id));
    if !test.claims.at_least_once {
        let error = test.send(retry("1".to_owned(), SECOND)).await.unwrap_err();
        assert_eq!(error.kind(), BrokerErrorKind::Unsupported);
        return Proof::Denied("at_least_once");
    }
    let mut member = test.join(TOPIC, GROUP).await;
    let publisher = test.publisher().await;
    let (mut due, mut sent) = (HashMap::new(), Vec::new());
    for number in 0..PARKED {
        let delay = Duration::from_millis(fastrand::u64(500..20_000));
        due.insert(number.to_string(), (Instant::now(), delay));
        sent.push(publisher.send(retry(number.to_string(), delay)).wait());
    }
    for receipt in within(join_all(sent)).await {
        receipt.unwrap();
    }
    let (mut fresh, begun) = (0, Instant::now());
    let feeding = async {
        let mut every = interval(Duration::from_millis(250));
        for number in 0.. {
            every.tick().await;
            put_now(test, number, begun).await;
        }
    };
    let receiving = async {
        while !due.is_empty() {
            let delivery = member.one().await;
            match due.remove(&id(&delivery.message)) {
                Some((at, delay)) => assert_on_time(at.elapsed(), delay),
                None => {
                    let at: u64 = delivery.message.headers().text("at").unwrap().parse().unwrap();
                    let waited = begun.elapsed().saturating_sub(Duration::from_micros(at));
                    assert!(waited <= SECOND, "a fresh message waits for {waited:?} behind parked ones");
                    fresh += 1;
                }
            }
            member.done([delivery]).await;
        }
    };
    tokio::select! {
        () = feeding => {}
        () = receiving => {}
    }
    assert!(fresh >= 60, "{fresh} fresh messages came meanwhile");
    Proof::Held
}

pub(super) async fn c16_a_delayed_retry_survives_a_kill_during_the_delay(test: &Test<'_>) -> Proof {
    if !test.claims.at_least_once {
        return test.forgets().await;
    }
    let app = test.start::<Later, _>(|_| async { Err(Error::new("a bad day")) }).await;
    test.put_ids(["1"]).await;
    // A kill before the original is settled would bring that back too, at once and as another attempt.
    app.until(|stats| stats.redelivered == 1 && stats.settled == 1).await;
    let failed = app.probe.begun()[0].at;
    app.kill();
    let app = test.start::<Later, _>(|_| async { ACK }).await;
    // The original may come again too, where its settlement was to be committed later.
    let comes_again = |notes: &[Note]| notes.iter().any(|note| note.attempt == 2);
    within(app.probe.until(comes_again)).await;
    let took = app.probe.begun().iter().find(|note| note.attempt == 2).unwrap().at - failed;
    // It may have to be taken over first.
    assert!(took >= TWO && took <= TWO + SECOND + test.claims.takeover, "{took:?}");
    app.stop().await;
    Proof::Held
}

pub(super) async fn c17_the_attempt_number_rises_by_one(test: &Test<'_>) -> Proof {
    let app = test
        .start::<Plain, _>(|call| async move { if call.attempt() < 3 { Err(Error::new("not yet")) } else { ACK } })
        .await;
    test.put_ids(["1"]).await;
    app.handles(1).await;
    let attempts: Vec<_> = app.stop().await.begun().iter().map(|note| note.attempt).collect();
    assert_eq!(attempts, [1, 2, 3], "in place");
    if !test.claims.at_least_once {
        return test.forgets().await;
    }
    test.put(TOPIC, item("2")).await;
    for expected in 1..=3 {
        let mut member = test.join(TOPIC, GROUP).await;
        let delivery = member.one().await;
        let expected = if test.claims.counts_attempts { expected } else { 1 };
        assert_eq!((id(&delivery.message), delivery.attempt), ("2".to_owned(), expected));
    }
    if test.claims.counts_attempts { Proof::Held } else { Proof::Denied("counts_attempts") }
}
