//! Where a group begins, how much it gets at once, and who gets a key.

use super::{Member, put, texts};
use modi_broker::contract::{Credit, OrderScope, SettleResult, Verdict};
use modi_broker::{MemoryBroker, Message};

#[tokio::test]
async fn a_group_begins_at_the_earliest_message_or_at_the_next() {
    let memory = MemoryBroker::new();
    put(&memory, "events", &["1", "2"]).await;
    let mut early = Member::join(&memory, "events", "early").await;
    let mut late = Member::from_now(&memory, "events", "late").await;
    put(&memory, "events", &["3"]).await;
    assert_eq!(texts(&early.look(9)), ["1", "2", "3"]);
    assert_eq!(texts(&late.look(9)), ["3"]);
}

#[tokio::test]
async fn where_a_group_begins_is_asked_once() {
    let memory = MemoryBroker::new();
    drop(Member::from_now(&memory, "events", "late").await);
    put(&memory, "events", &["1"]).await;
    assert_eq!(texts(&Member::from_now(&memory, "events", "late").await.look(9)), ["1"]);
}

#[tokio::test]
async fn the_bytes_of_the_credit_bound_what_is_handed_out_but_for_one_message() {
    let memory = MemoryBroker::new();
    put(&memory, "events", &["12345", "12345", "1", "12345678901", "1"]).await;
    let mut member = Member::join(&memory, "events", "g").await;
    let mut sizes = Vec::new();
    for _ in 0..4 {
        let mut into = Vec::new();
        member.0.source.next(Credit { messages: 9, bytes: 10 }, &mut into).await.unwrap();
        sizes.push(texts(&into).iter().map(String::len).collect::<Vec<_>>());
    }
    assert_eq!(sizes, [vec![5, 5], vec![1], vec![11], vec![1]]);
}

fn keyed(key: &'static str, text: &'static str) -> Message {
    Message::new(text).with_key(key)
}

#[tokio::test]
async fn a_key_is_at_one_member_at_a_time_and_keeps_its_order() {
    let memory = MemoryBroker::new();
    let mut first = Member::join(&memory, "events", "g").await;
    assert_eq!(first.0.capabilities.order_scope, OrderScope::Partition);
    for (key, text) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2"), ("c", "c1"), ("a", "a3")] {
        memory.publish("events", keyed(key, text)).await.unwrap();
    }
    let mut at_first = first.look(1);
    assert_eq!(texts(&at_first), ["a1"]);
    // It was out before there was anybody to share with.
    let mut second = Member::join(&memory, "events", "g").await;
    let at_second = second.look(9);
    assert_eq!(texts(&at_second), ["b1", "b2", "c1"]);
    assert!(second.look(9).is_empty(), "`a` is at the other member");
    at_first.extend(first.look(1));
    assert_eq!(texts(&at_first), ["a1", "a2"]);
    first.done(at_first).await;
    let last = second.look(9);
    assert_eq!(texts(&last), ["a3"], "nobody has the key any more");
    assert_eq!(second.done(last).await, [SettleResult::Settled]);
}

#[tokio::test]
async fn a_member_that_waits_is_woken_when_a_key_is_free() {
    let memory = MemoryBroker::new();
    let mut first = Member::join(&memory, "events", "g").await;
    let mut second = Member::join(&memory, "events", "g").await;
    for text in ["1", "2"] {
        memory.publish("events", keyed("k", text)).await.unwrap();
    }
    let out = first.look(1);
    let waits = tokio::spawn(async move { texts(&second.wait(9).await) });
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    first.settle(out, Verdict::Release).await;
    assert_eq!(waits.await.unwrap(), ["1", "2"], "what was given back comes first");
}

#[tokio::test]
async fn the_keys_of_a_member_that_goes_are_free() {
    let memory = MemoryBroker::new();
    let mut first = Member::join(&memory, "events", "g").await;
    let mut second = Member::join(&memory, "events", "g").await;
    for text in ["1", "2", "3"] {
        memory.publish("events", keyed("k", text)).await.unwrap();
    }
    assert_eq!(texts(&first.look(2)), ["1", "2"]);
    assert!(second.look(9).is_empty());
    drop(first);
    let out = second.look(9);
    let attempts: Vec<_> = out.iter().map(|delivery| delivery.attempt).collect();
    assert_eq!((texts(&out), attempts), (vec!["1".into(), "2".into(), "3".into()], vec![2, 2, 1]));
}

#[tokio::test]
async fn messages_without_a_key_go_to_whoever_has_room() {
    let memory = MemoryBroker::new();
    let mut first = Member::join(&memory, "events", "g").await;
    let mut second = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1", "2", "3"]).await;
    assert_eq!(texts(&first.look(1)), ["1"]);
    assert_eq!(texts(&second.look(9)), ["2", "3"]);
}
