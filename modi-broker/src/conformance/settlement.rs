//! B. What settling comes to, and what comes again.

use super::member::{id, ids_of, takes};
use super::probe::ACK;
use super::run::Proof;
use super::stage::{Nothing, scenes};
use super::subject::Hook;
use super::test::{GROUP, PATIENCE, TOPIC, Test, item, keyed, letter, within};
use crate::contract::{OrderScope, Outgoing, Place, SettleResult, Start, Verdict};
use crate::{BrokerErrorKind, FailureKind, Lease, Message, Order, Outcome, Spec, contract};
use modi_core::StartError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

scenes! {
    Plain: Nothing = Spec::new(TOPIC);
    Long: Nothing = Spec::new(TOPIC).deadline(Duration::from_secs(3_600));
    ByHand: Lease = Spec::new(TOPIC);
    Keyed: Nothing = Spec::new(TOPIC).order(Order::Key);
    Early: Nothing = Spec::new(TOPIC).start(Start::Earliest);
    Latest: Nothing = Spec::new(TOPIC).start(Start::Latest);
}

/// What the start says, with its causes.
pub(super) fn text(error: &StartError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

pub(super) async fn c13_what_is_acknowledged_stays_so_when_the_application_is_started_again(test: &Test<'_>) -> Proof {
    let app = test.start::<Plain, _>(|_| async { ACK }).await;
    test.put_ids(0..10).await;
    app.handles(10).await;
    app.stop().await;
    let app = test.start::<Plain, _>(|_| async { ACK }).await;
    test.put_ids(["new"]).await;
    app.handles(1).await;
    test.quiet().await;
    assert_eq!(app.stop().await.handled(), ["new"]);
    if test.claims.at_least_once { Proof::Held } else { test.forgets().await }
}

pub(super) async fn c18_a_rejected_message_goes_to_the_dead_letters(test: &Test<'_>) -> Proof {
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app = test
        .start::<Plain, _>(|call| async move {
            if call.id() == "bad" { Ok(Outcome::reject("an order of nothing").into()) } else { ACK }
        })
        .await;
    test.put_ids(["bad", "good"]).await;
    app.handles(2).await;
    let letter = letter(&mut dead).await;
    assert_eq!((id(&letter.message), letter.kind, letter.attempts), ("bad".to_owned(), FailureKind::Reject, 1));
    app.until(|stats| stats.acked == 1 && stats.dead_lettered == 1).await;
    let probe = app.stop().await;
    assert_eq!(probe.begun().len(), 2, "it is not tried again");
    assert!(dead.strays().await.is_empty());
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

pub(super) async fn c19_a_release_at_a_stop_does_not_raise_the_attempt_number(test: &Test<'_>) -> Proof {
    let app = test
        .start::<Plain, _>(|_| async {
            sleep(PATIENCE).await;
            ACK
        })
        .await;
    test.put_ids(["1"]).await;
    app.begins(1).await;
    app.stop().await;
    if !test.claims.at_least_once {
        assert!(test.join(TOPIC, GROUP).await.strays().await.is_empty());
        return Proof::Denied("at_least_once");
    }
    let mut member = test.join(TOPIC, GROUP).await;
    let delivery = member.one().await;
    assert_eq!((id(&delivery.message), delivery.attempt), ("1".to_owned(), 1));
    let released = member.settle([delivery], Verdict::Release).await;
    if !test.claims.single_release {
        assert_eq!(released, [SettleResult::Unsupported]);
        return Proof::Denied("single_release");
    }
    assert!(takes(released[0]), "{released:?}");
    let delivery = member.one().await;
    assert_eq!(delivery.attempt, 1);
    member.done([delivery]).await;
    Proof::Held
}

pub(super) async fn c20_a_lease_that_is_dropped_comes_back(test: &Test<'_>) -> Proof {
    if !test.claims.at_least_once {
        return test.forgets().await;
    }
    // Of a member that is gone.
    let mut member = test.join(TOPIC, GROUP).await;
    test.put_ids(["1"]).await;
    assert_eq!(id(&member.one().await.message), "1");
    drop(member);
    let mut member = test.join(TOPIC, GROUP).await;
    let delivery = member.one().await;
    assert_eq!(id(&delivery.message), "1");
    member.done([delivery]).await;
    member.leave().await;
    // Of a handler, while it runs and after that: it comes again, to this handler or to another one.
    let calls = Arc::new(AtomicU32::new(0));
    let (leaves, mut left) = mpsc::unbounded_channel();
    let is_given_back = test.claims.single_release;
    let app = test
        .start::<ByHand, _>(move |call| {
            let (number, leaves) = (calls.fetch_add(1, Ordering::Relaxed), leaves.clone());
            async move {
                match number {
                    0 => drop(call.takes),
                    1 if is_given_back => drop(leaves.send(call.takes)),
                    _ => drop(call.takes.ack().await),
                }
                ACK
            }
        })
        .await;
    test.put_ids(["2"]).await;
    if is_given_back {
        let lease = within(left.recv()).await;
        test.quiet().await;
        assert_eq!(app.probe.begun().len(), 2, "it comes again though somebody has its lease");
        drop(lease);
        app.begins(3).await;
    }
    app.until(|stats| stats.acked == 1).await;
    app.stop().await;
    test.drained(TOPIC, GROUP).await;
    if is_given_back { Proof::Held } else { Proof::Denied("single_release") }
}

pub(super) async fn c21_settling_twice_does_not_compile(_: &Test<'_>) -> Proof {
    /// Two implementations for what can be cloned: then nobody knows which one is meant.
    trait Moves<Which> {
        const MOVES: bool = true;
    }
    struct Cloned;
    impl<T: ?Sized> Moves<()> for T {}
    impl<T: Clone> Moves<Cloned> for T {}
    const { assert!(<contract::Lease as Moves<_>>::MOVES && <Lease as Moves<_>>::MOVES) };
    Proof::Held
}

pub(super) async fn c22_settling_after_the_lease_was_lost_says_so(test: &Test<'_>) -> Proof {
    let Some((test, server)) = test.with_server() else { return Proof::Skipped(Hook::Crash) };
    let mut member = test.join(TOPIC, GROUP).await;
    test.put_ids(["1"]).await;
    let delivery = member.one().await;
    let Some(crash) = server.crash() else { return Proof::Skipped(Hook::Crash) };
    within(crash).await;
    let result = member.settle([delivery], Verdict::Done).await;
    assert!(matches!(result[..], [SettleResult::LeaseLost | SettleResult::Failed]), "{result:?}");
    let proof = if test.claims.at_least_once {
        let delivery = member.one().await;
        assert_eq!(id(&delivery.message), "1");
        member.done([delivery]).await;
        Proof::Held
    } else {
        assert!(member.strays().await.is_empty());
        Proof::Denied("at_least_once")
    };
    drop(member);
    test.finish().await;
    proof
}

pub(super) async fn c23_a_handler_three_times_longer_than_the_lease_keeps_it(test: &Test<'_>) -> Proof {
    let long = test.claims.lease.unwrap_or(Duration::from_secs(10)) * 3;
    let play = move |_| async move {
        sleep(long).await;
        ACK
    };
    let members = [test.start::<Long, _>(play).await, test.start::<Long, _>(play).await];
    test.put_ids(["1"]).await;
    let begun = Instant::now();
    while members.iter().map(|member| member.stats().acked).sum::<u64>() == 0 {
        assert!(begun.elapsed() < long + PATIENCE);
        sleep(Duration::from_millis(50)).await;
    }
    test.quiet().await;
    let mut handled = Vec::new();
    for member in members {
        assert_eq!(member.stats().lease_lost, 0);
        handled.extend(member.stop().await.begun());
    }
    assert_eq!(handled.len(), 1, "somebody else got it meanwhile");
    if test.claims.lease.is_some() { Proof::Held } else { Proof::Denied("lease") }
}

pub(super) async fn c24_nothing_is_lost_by_a_kill_after_completion_out_of_order(test: &Test<'_>) -> Proof {
    if !test.claims.at_least_once {
        return test.forgets().await;
    }
    let mut member = test.join(TOPIC, GROUP).await;
    for number in 0..40 {
        test.put(TOPIC, keyed(number, number)).await;
    }
    let mut deliveries = member.take(40).await;
    fastrand::shuffle(&mut deliveries);
    let unfinished = deliveries.split_off(20);
    let left = ids_of(&unfinished);
    // As they are completed: one by one.
    for delivery in deliveries {
        member.done([delivery]).await;
    }
    drop(member);
    let mut member = test.join(TOPIC, GROUP).await;
    let mut missing: std::collections::HashSet<_> = left.into_iter().collect();
    while !missing.is_empty() {
        let delivery = member.one().await;
        missing.remove(&id(&delivery.message));
        member.done([delivery]).await;
    }
    Proof::Held
}

pub(super) async fn c25_settling_while_reconnecting_has_a_typed_result(test: &Test<'_>) -> Proof {
    let Some((test, server)) = test.with_server() else { return Proof::Skipped(Hook::Crash) };
    let mut member = test.join(TOPIC, GROUP).await;
    test.put_ids(0..10).await;
    let deliveries = member.take(10).await;
    let Some(crash) = server.crash() else { return Proof::Skipped(Hook::Crash) };
    let settling = async {
        let mut results = Vec::new();
        for delivery in deliveries {
            let id = id(&delivery.message);
            results.push((id, member.settle([delivery], Verdict::Done).await[0]));
            tokio::task::yield_now().await;
        }
        results
    };
    // Before, while and after it is away; what cannot be answered would not come back from here.
    let ((), results) = within(async { tokio::join!(crash, settling) }).await;
    if test.claims.at_least_once {
        let mut again: std::collections::HashSet<_> =
            results.into_iter().filter(|(_, result)| *result == SettleResult::LeaseLost).map(|(id, _)| id).collect();
        while !again.is_empty() {
            let delivery = member.one().await;
            again.remove(&id(&delivery.message));
            member.done([delivery]).await;
        }
    }
    drop(member);
    test.finish().await;
    Proof::Held
}

pub(super) async fn c26_what_is_denied_is_refused(test: &Test<'_>) -> Proof {
    let claims = test.claims;
    let member = test.join(TOPIC, GROUP).await;
    let capabilities = &member.subscription.capabilities;
    let abilities = test.publisher().await.abilities();
    assert_eq!(claims.differs(capabilities, &abilities), Vec::<String>::new());
    assert!((1..=256).contains(&capabilities.settle_at) && capabilities.linger < SECOND);

    let to = |topic| Outgoing::new(Place::Topic(topic), item("denied"));
    let after = Place::Retry { group: GROUP, topic: TOPIC, after: SECOND };
    let refused = [
        ("delay", claims.delay, Outgoing { delay: Some(SECOND), ..to(TOPIC) }),
        ("partition", claims.partition, Outgoing { partition: Some(0), ..to(TOPIC) }),
        ("tombstones", claims.tombstones, Outgoing::new(Place::Topic(TOPIC), Message::tombstone())),
        ("at_least_once", claims.at_least_once, Outgoing::new(after, item("denied"))),
        ("request", claims.request, Outgoing::new(Place::Reply("somebody"), item("denied"))),
    ];
    for (claim, is_claimed, outgoing) in refused {
        if !is_claimed {
            let error = test.send(outgoing).await.unwrap_err();
            assert_eq!(error.kind(), BrokerErrorKind::Unsupported, "{claim}");
        }
    }
    if !claims.request {
        let asked = test.publisher().await.request(to(TOPIC), SECOND);
        assert_eq!(within(asked).await.unwrap_err().kind(), BrokerErrorKind::Unsupported);
    }
    let mut member = member;
    assert!(member.strays().await.is_empty(), "what was refused was sent");

    if !claims.delayed_release {
        test.put_ids(["later"]).await;
        let delivery = member.one().await;
        let result = member.settle([delivery], Verdict::RetryAfter(SECOND)).await;
        assert_eq!(result, [SettleResult::Unsupported]);
    }
    drop(member);

    let ack = |_| async { ACK };
    if claims.order_scope == OrderScope::Process {
        let error = test.start_on::<Keyed, _>(&test.broker, "keyed", ack).await.map(|_| ()).unwrap_err();
        assert!(text(&error).contains("`scope = process`"), "{error:?}");
    }
    if !claims.earliest {
        let error = test.start_on::<Early, _>(&test.broker, "early", ack).await.map(|_| ()).unwrap_err();
        assert!(text(&error).contains("`start = latest`"), "{error:?}");
    }
    if !claims.latest {
        let error = test.start_on::<Latest, _>(&test.broker, "latest", ack).await.map(|_| ()).unwrap_err();
        assert!(text(&error).contains("`start = latest`"), "{error:?}");
    }
    Proof::Held
}
