//! E. Brokers that go away, come late, and do not say what they took.

use super::faulty::{Fault, Faulty, Operation};
use super::member::id;
use super::probe::{ACK, Call, Said};
use super::run::Proof;
use super::stage::{Nothing, scenes};
use super::subject::{Hook, Server};
use super::test::{GROUP, TOPIC, Test, distinct, item, keyed, within};
use crate::contract::{Outgoing, Place, Publish};
use crate::{Spec, To};
use futures_util::future::LocalBoxFuture;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

scenes! {
    Plain: Nothing = Spec::new(TOPIC);
    Publishes: Nothing = Spec::new(TOPIC);
}

/// Publishes and handles while the server is disturbed three times: everything that was confirmed is handled.
async fn survives(
    test: &Test<'_>,
    disturb: impl for<'a> Fn(&'a dyn Server) -> Option<LocalBoxFuture<'a, ()>>,
    hook: Hook,
) -> Proof {
    let Some((test, server)) = test.with_server() else { return Proof::Skipped(hook) };
    // Before anything runs: whether there is such a thing at all.
    if disturb(&*server).is_none() {
        return Proof::Skipped(hook);
    }
    let app = test.start::<Plain, _>(|_| async { ACK }).await;
    test.make(TOPIC).await;
    let publisher = test.publisher().await;
    let publishing = async {
        let mut confirmed = Vec::new();
        for number in 0..300_u32 {
            if publish(publisher, number).await {
                confirmed.push(number.to_string());
            }
            sleep(Duration::from_millis(5)).await;
        }
        confirmed
    };
    let disturbing = async {
        for _ in 0..3 {
            sleep(Duration::from_millis(300)).await;
            if let Some(disturbed) = disturb(&*server) {
                disturbed.await;
            }
        }
    };
    let (confirmed, ()) = within(async { tokio::join!(publishing, disturbing) }).await;
    assert!(confirmed.len() > 100, "only {} were confirmed", confirmed.len());
    if test.claims.at_least_once {
        let begun = Instant::now();
        let missing = || {
            let handled = app.probe.handled();
            confirmed.iter().filter(|id| !handled.contains(id)).count()
        };
        while missing() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(60), "{} that were confirmed are lost", missing());
            sleep(Duration::from_millis(50)).await;
        }
    }
    // It is well again.
    test.put(TOPIC, item("after")).await;
    within(app.probe.until(|notes| notes.iter().any(|note| note.id == "after"))).await;
    app.stop().await;
    let proof = if test.claims.at_least_once { Proof::Held } else { Proof::Denied("at_least_once") };
    test.finish().await;
    proof
}

async fn publish(publisher: &dyn Publish, number: u32) -> bool {
    let sent = publisher.send(Outgoing::new(Place::Topic(TOPIC), keyed(number, number % 5)));
    within(sent.wait()).await.is_ok()
}

pub(super) async fn c41_what_was_confirmed_is_handled_though_the_server_is_killed(test: &Test<'_>) -> Proof {
    survives(test, |server| Some(Box::pin(server.crash()?)), Hook::Crash).await
}

pub(super) async fn c43_a_lost_confirmation_is_unknown_and_a_retry_loses_nothing(test: &Test<'_>) -> Proof {
    let faulty = Faulty::new(&test.broker);
    let mut results = test.join("results", "reader").await;
    let publishes = |call: Call<Nothing>| async move {
        Ok(Said::Publish(vec![To::new("results", item(format!("of {}", call.id())))]))
    };
    let app = test.start_on::<Publishes, _>(&faulty.broker(), GROUP, publishes).await.unwrap();
    faulty.fail(Operation::Topic, 1, Fault::Unconfirmed);
    test.put_ids(0..3).await;
    app.until(|stats| stats.acked == 3).await;
    let mut came = Vec::new();
    while distinct(&came) < 3 {
        let delivery = results.one().await;
        came.push(id(&delivery.message));
        results.done([delivery]).await;
    }
    came.extend(results.strays().await);
    assert!(came.len() <= 4, "{came:?}");
    app.stop().await;
    Proof::Held
}

pub(super) async fn c46_what_was_confirmed_is_handled_though_a_leader_moves(test: &Test<'_>) -> Proof {
    survives(test, |server| Some(Box::pin(server.move_leader()?)), Hook::MoveLeader).await
}

pub(super) async fn c48_a_broker_that_comes_later_is_waited_for_as_long_as_was_said(test: &Test<'_>) -> Proof {
    let faulty = Faulty::new(&test.broker);
    faulty.refuse(Operation::Connect, 4);
    let started = test.start_on::<Plain, _>(&faulty.broker(), GROUP, |_| async { ACK }).await;
    let app = started.unwrap_or_else(|error| panic!("it did not wait: {error:?}"));
    test.put_ids(["1"]).await;
    app.handles(1).await;
    app.stop().await;

    faulty.refuse(Operation::Connect, 1_000);
    for patience in [Duration::ZERO, 2 * SECOND] {
        let begun = Instant::now();
        let broker = faulty.broker().wait_for(patience);
        let started = test.start_on::<Plain, _>(&broker, GROUP, |_| async { ACK }).await;
        assert!(started.is_err());
        let took = begun.elapsed();
        assert!(took >= patience && took < patience + SECOND, "{took:?} for {patience:?}");
    }
    Proof::Held
}

pub(super) async fn c49_wrong_credentials_fail_at_once_and_show_nothing(test: &Test<'_>) -> Proof {
    let intruder = test.subject.server().and_then(|server| Some((server.intruder()?, server)));
    let Some(((broker, secret), _server)) = intruder else { return Proof::Skipped(Hook::Intruder) };
    let begun = Instant::now();
    let started = test.start_on::<Plain, _>(&broker, GROUP, |_| async { ACK }).await;
    let error = started.map(|_| ()).unwrap_err();
    assert!(begun.elapsed() < 10 * SECOND, "it waits for what cannot come");
    let mut texts = vec![format!("{error:?}"), format!("{broker:?}")];
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    assert!(texts.iter().all(|text| !text.contains(secret)), "the secret is shown");
    Proof::Held
}
