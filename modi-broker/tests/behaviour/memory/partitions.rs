//! The Kafka profile: partitions that are dealt, moved and committed.

use super::{Member, connection, put, send, texts};
use modi_broker::contract::{Credit, Delivery, Outgoing, Place, SettleResult, SubscribeOptions, Verdict};
use modi_broker::{BrokerErrorKind, MemoryBroker, MemoryProfile, Message, Receipt};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;
use tokio::time::{Instant, advance};

fn kafka(partitions: u32) -> MemoryBroker {
    MemoryBroker::like(MemoryProfile::Kafka).with_partitions(partitions)
}

async fn to(memory: &MemoryBroker, partition: u32, text: &'static str) -> Receipt {
    let outgoing = Outgoing::new(Place::Topic("events"), Message::new(text));
    send(memory, Outgoing { partition: Some(partition), ..outgoing }).await.unwrap()
}

fn lanes(deliveries: &[Delivery]) -> HashSet<u32> {
    deliveries.iter().map(|delivery| delivery.lease.lane).collect()
}

async fn lag(memory: &MemoryBroker) -> u64 {
    connection(memory).await.lag(&SubscribeOptions::new("events", "g")).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_key_has_one_partition_and_each_partition_is_a_lane() {
    let memory = kafka(4);
    let mut by_key: BTreeMap<String, HashSet<Option<u32>>> = BTreeMap::new();
    for round in 0..3 {
        for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let message = Message::new(format!("{key}{round}")).with_key(key);
            let receipt = memory.publish("events", message).await.unwrap();
            by_key.entry(key.to_owned()).or_default().insert(receipt.partition);
        }
    }
    assert!(by_key.values().all(|partitions| partitions.len() == 1));
    let used: HashSet<_> = by_key.values().flatten().collect();
    let mut member = Member::join(&memory, "events", "g").await;
    let out = member.look(99);
    assert_eq!((out.len(), lanes(&out).len()), (24, used.len()));
    for key in by_key.keys() {
        let of_key: Vec<_> = texts(&out).into_iter().filter(|text| text.starts_with(key.as_str())).collect();
        assert_eq!(of_key, [0, 1, 2].map(|round| format!("{key}{round}")));
    }
    let refused =
        send(&memory, Outgoing { partition: Some(4), ..Outgoing::new(Place::Topic("events"), Message::new("x")) });
    assert_eq!(refused.await.unwrap_err().kind(), BrokerErrorKind::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_partition_moves_when_nothing_is_out_of_it_and_what_was_finished_is_committed_before() {
    let memory = kafka(2);
    let mut first = Member::join(&memory, "events", "g").await;
    for text in ["1", "2", "3"] {
        to(&memory, 0, text).await;
        to(&memory, 1, text).await;
    }
    let mut out = first.look(4);
    assert_eq!(out.len(), 4);
    let mut second = Member::join(&memory, "events", "g").await;
    let moving = out.iter().map(|delivery| delivery.lease.lane).find(|lane| first.0.lanes.is_gone(*lane)).unwrap();
    let (moved, kept): (Vec<_>, Vec<_>) = out.drain(..).partition(|delivery| delivery.lease.lane == moving);
    assert!(!kept.is_empty() && second.look(9).is_empty());
    assert!(first.look(9).iter().all(|delivery| delivery.lease.lane != moving), "nothing more from what moves");
    let mut moved = moved.into_iter();
    let (one, other): (Vec<_>, Vec<_>) = (moved.by_ref().take(1).collect(), moved.collect());
    assert_eq!(first.done(one).await, [SettleResult::Deferred]);
    // It had not started: it is given back, and is the first that the other gets.
    let waits = tokio::spawn(async move { (second.wait(9).await, second) });
    tokio::task::yield_now().await;
    assert!(!waits.is_finished() || other.is_empty());
    assert!(first.settle(other, Verdict::Release).await.iter().all(|result| *result == SettleResult::Deferred));
    let (taken, second) = waits.await.unwrap();
    assert_eq!(texts(&taken), ["2", "3"]);
    assert!(!lanes(&taken).contains(&moving) && second.done(taken).await.len() == 2);
    assert!(first.done(kept).await.iter().all(|result| *result == SettleResult::Deferred));
}

#[tokio::test(start_paused = true)]
async fn a_partition_moves_after_half_a_minute_whatever_is_out_and_late_settlements_are_refused_here() {
    let memory = kafka(1);
    let mut first = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1", "2"]).await;
    let out = first.look(1);
    first.0.source.stop().await.unwrap();
    let mut newcomer = Member::join(&memory, "events", "g").await;
    assert!(newcomer.look(9).is_empty(), "one partition, and it has a reader");
    drop(first);
    assert_eq!(texts(&newcomer.look(9)), ["1", "2"]);
    drop(out);

    let memory = kafka(2);
    let mut first = Member::join(&memory, "events", "g").await;
    to(&memory, 0, "1").await;
    to(&memory, 1, "1").await;
    let out = first.look(9);
    let begun = Instant::now();
    let mut second = Member::join(&memory, "events", "g").await;
    let taken = second.wait(9).await;
    assert_eq!((taken.len(), begun.elapsed()), (1, Duration::from_secs(30)));
    let mut results = first.done(out).await;
    results.sort_by_key(|result| *result == SettleResult::LeaseLost);
    assert_eq!(results, [SettleResult::Deferred, SettleResult::LeaseLost]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_committed_comes_again_after_a_kill_and_what_was_a_second_ago_does_not() {
    let memory = kafka(1);
    let mut member = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1", "2", "3", "4"]).await;
    let mut out = member.look(9);
    let (fourth, third, second, first) = (out.remove(3), out.remove(2), out.remove(1), out.remove(0));
    member.done(vec![first, third]).await;
    assert_eq!(lag(&memory).await, 4);
    advance(Duration::from_secs(1)).await;
    assert_eq!(lag(&memory).await, 3, "not past what is unfinished");
    member.done(vec![second, fourth]).await;
    drop(member);
    let mut next = Member::join(&memory, "events", "g").await;
    let out = next.look(9);
    assert_eq!(texts(&out), ["2", "3", "4"]);
    assert!(out.iter().all(|delivery| delivery.attempt == 1));
    next.done(out).await;
    next.0.source.stop().await.unwrap();
    drop(next);
    assert_eq!(lag(&memory).await, 0, "whoever leaves politely commits");
    assert!(Member::join(&memory, "events", "g").await.look(9).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_crash_leaves_what_was_committed() {
    let memory = kafka(1);
    let mut member = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1", "2"]).await;
    let out = member.look(1);
    member.done(out).await;
    advance(Duration::from_secs(1)).await;
    let out = member.look(1);
    let lane = out[0].lease.lane;
    member.done(out).await;
    memory.crash();
    assert!(member.0.lanes.is_gone(lane));
    assert_eq!(member.try_look(9).unwrap_err().kind(), BrokerErrorKind::Unavailable);
    assert_eq!(texts(&member.look(9)), ["2"]);
}

#[tokio::test]
async fn a_release_is_refused_while_the_lane_is_kept_and_taken_when_the_member_stops() {
    let memory = kafka(1);
    let mut member = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1", "2", "3"]).await;
    let mut out = member.look(9);
    let (third, second, first) = (out.remove(2), out.remove(1), out.remove(0));
    assert_eq!(member.settle(vec![first], Verdict::Release).await, [SettleResult::Unsupported]);
    member.0.source.stop().await.unwrap();
    assert_eq!(member.settle(vec![second], Verdict::Release).await, [SettleResult::Deferred]);
    member.done(vec![third]).await;
    drop(member);
    assert_eq!(texts(&Member::join(&memory, "events", "g").await.look(9)), ["1", "2", "3"]);
}

#[tokio::test]
async fn where_lanes_run_side_by_side_none_fills_the_window_alone() {
    let memory = kafka(2);
    let limit = Credit { messages: 4, bytes: 1 << 20 };
    let options = SubscribeOptions { by_lane: true, limit, ..SubscribeOptions::new("events", "g") };
    let mut member = Member::with(&memory, options).await;
    for text in ["1", "2", "3", "4", "5"] {
        to(&memory, 0, text).await;
    }
    let out = member.look(4);
    assert_eq!(texts(&out), ["1", "2"]);
    to(&memory, 1, "other").await;
    assert_eq!(texts(&member.look(2)), ["other"]);
    member.done(out).await;
    assert_eq!(texts(&member.look(3)), ["3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_topic_commits_to_make_room() {
    let memory = kafka(1).with_capacity(2);
    let mut member = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1", "2"]).await;
    let out = member.look(9);
    member.done(out).await;
    let begun = Instant::now();
    put(&memory, "events", &["3", "4"]).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let full = memory.publish("events", Message::new("5")).await.unwrap_err();
    assert_eq!(full.kind(), BrokerErrorKind::Full);
}

#[tokio::test]
async fn three_members_share_four_partitions_and_every_message_is_handled_once_while_they_come_and_go() {
    let memory = kafka(4);
    let mut members = vec![Member::join(&memory, "events", "g").await];
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for round in 0..60 {
        for at in 0..4 {
            memory.publish("events", Message::new(format!("{round}.{at}")).with_key(format!("k{at}"))).await.unwrap();
        }
        match round {
            10 | 20 => members.push(Member::join(&memory, "events", "g").await),
            30 | 40 => {
                let mut leaves = members.remove(0);
                leaves.0.source.stop().await.unwrap();
            }
            _ => {}
        }
        for member in &mut members {
            let out = member.look(3);
            texts(&out).into_iter().for_each(|text| *seen.entry(text).or_default() += 1);
            member.done(out).await;
        }
    }
    for _ in 0..200 {
        for member in &mut members {
            let out = member.look(3);
            texts(&out).into_iter().for_each(|text| *seen.entry(text).or_default() += 1);
            member.done(out).await;
        }
    }
    assert_eq!(seen.len(), 240);
    assert!(seen.values().all(|times| *times == 1));
}
