//! D. Members that come, go, and end without a word.

use super::member::{id, ids_of};
use super::probe::ACK;
use super::run::Proof;
use super::stage::{Nothing, scenes};
use super::subject::Hook;
use super::test::{GROUP, PATIENCE, Running, TOPIC, Test, distinct, ids, keyed, sorted, within};
use crate::Spec;
use crate::contract::{SettleResult, Verdict};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};

scenes! {
    Plain: Nothing = Spec::new(TOPIC).prefetch(16);
    Long: Nothing = Spec::new(TOPIC).deadline(Duration::from_secs(3_600));
}

const MANY: usize = 300;

/// A member that takes a moment for each message.
async fn member(test: &Test<'_>) -> Running<Plain> {
    let play = |_| async {
        sleep(Duration::from_micros(fastrand::u64(0..2_000))).await;
        ACK
    };
    test.start::<Plain, _>(play).await
}

/// Publishes so many, with keys, from this number on.
async fn publish(test: &Test<'_>, numbers: std::ops::Range<usize>) {
    for number in numbers {
        test.put(TOPIC, keyed(number, number % 23)).await;
    }
}

async fn acked(members: &[Running<Plain>], many: usize) {
    within(async {
        while members.iter().map(|member| member.stats().acked).sum::<u64>() < many as u64 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn handled(members: Vec<Running<Plain>>) -> Vec<String> {
    let mut handled = Vec::new();
    for member in members {
        handled.extend(member.stop().await.handled());
    }
    handled
}

/// Each message once, though a member joins and another one leaves while they flow.
async fn joins_and_leaves(test: &Test<'_>) {
    let first = member(test).await;
    publish(test, 0..MANY).await;
    first.handles(MANY / 6).await;
    // What the first has in hand is finished and committed before it is handed over.
    let second = member(test).await;
    publish(test, MANY..2 * MANY).await;
    let members = [first, second];
    acked(&members, 2 * MANY).await;
    let handled = handled(members.into()).await;
    assert_eq!(distinct(&handled), 2 * MANY, "something was lost");
    assert_eq!(handled.len(), 2 * MANY, "something was handled twice");
}

pub(super) async fn c34_a_member_joins_in_mid_stream(test: &Test<'_>) -> Proof {
    joins_and_leaves(test).await;
    Proof::Held
}

pub(super) async fn c35_a_member_leaves_politely(test: &Test<'_>) -> Proof {
    let (first, second) = (member(test).await, member(test).await);
    publish(test, 0..MANY).await;
    within(async {
        while first.stats().acked + second.stats().acked < MANY as u64 / 6 {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let mut all = first.stop().await.handled();
    publish(test, MANY..2 * MANY).await;
    let left = if test.claims.at_least_once { 2 * MANY } else { MANY };
    second.handles(left.saturating_sub(all.len())).await;
    test.drained(TOPIC, GROUP).await;
    all.extend(second.stop().await.handled());
    assert_eq!(distinct(&all), all.len(), "something was handled twice");
    if test.claims.at_least_once {
        assert_eq!(all.len(), 2 * MANY, "something was lost");
        return Proof::Held;
    }
    test.forgets().await
}

pub(super) async fn c36_what_a_member_had_that_was_killed_is_taken_over(test: &Test<'_>) -> Proof {
    if !test.claims.at_least_once {
        return test.forgets().await;
    }
    let stuck = test
        .start::<Plain, _>(|_| async {
            sleep(Duration::from_secs(10)).await;
            ACK
        })
        .await;
    publish(test, 0..12).await;
    stuck.begins(1).await;
    stuck.kill();
    let begun = Instant::now();
    let other = member(test).await;
    other.handles(12).await;
    let took = begun.elapsed();
    assert!(took <= test.claims.takeover + Duration::from_secs(1), "{took:?}");
    assert_eq!(distinct(&other.stop().await.handled()), 12);
    Proof::Held
}

pub(super) async fn c37_a_handler_longer_than_any_time_out_of_the_broker_stays_a_member(test: &Test<'_>) -> Proof {
    let long = test.claims.lease.unwrap_or(Duration::from_secs(10)) * 3;
    let app = test
        .start::<Long, _>(move |call| async move {
            if call.id() == "0" {
                sleep(long).await;
            }
            ACK
        })
        .await;
    test.put_ids(0..6).await;
    let begun = Instant::now();
    while app.stats().acked < 6 {
        assert!(begun.elapsed() < long + PATIENCE);
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((app.stats().lease_lost, app.stats().settle_failed), (0, 0));
    assert_eq!(sorted(app.stop().await.handled()), ids(0..6));
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

pub(super) async fn c39_a_commit_after_revocation_is_refused_locally(test: &Test<'_>) -> Proof {
    let mut first = test.join(TOPIC, GROUP).await;
    publish(test, 0..64).await;
    let mut held = first.take(64).await;
    let mut second = test.join(TOPIC, GROUP).await;
    if !test.claims.deals_lanes {
        assert!(second.strays().await.is_empty(), "it got what another member has in hand");
        assert!(held.iter().all(|delivery| !first.subscription.lanes.is_gone(delivery.lease.lane)));
        first.done(held).await;
        return Proof::Denied("deals_lanes");
    }
    // The first does not finish, so at last its lanes go without that.
    let taken = second.one().await;
    let at = held.iter().position(|delivery| delivery.message.id() == taken.message.id()).unwrap();
    let late = held.remove(at);
    assert!(first.subscription.lanes.is_gone(late.lease.lane));
    assert_eq!(first.settle([late], Verdict::Done).await, [SettleResult::LeaseLost]);
    let of_both: HashSet<_> = ids_of(&held).into_iter().chain([id(&taken.message)]).collect();
    assert_eq!(of_both.len(), 64);
    second.done([taken]).await;
    Proof::Held
}

pub(super) async fn c40_every_way_of_being_a_member_hands_lanes_over_without_loss(test: &Test<'_>) -> Proof {
    let variants = test.subject.server().and_then(|server| Some((server.variants()?, server)));
    let Some((variants, _server)) = variants else { return Proof::Skipped(Hook::Variants) };
    for broker in variants {
        let test = Test::on(test.subject, "c40", broker);
        joins_and_leaves(&test).await;
        test.finish().await;
    }
    Proof::Held
}
