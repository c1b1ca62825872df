//! Subscriptions of patterns.

use super::{Member, connection, put, send, texts};
use modi_broker::contract::{Delivery, Outgoing, Place, Provision, SubscribeOptions};
use modi_broker::{BrokerErrorKind, MemoryBroker, Message};
use std::time::Duration;

fn topics(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.message.topic().map_or("none", |topic| topic)).collect()
}

#[tokio::test]
async fn a_pattern_gets_what_it_matches_with_the_topic_and_nothing_else() {
    let memory = MemoryBroker::new();
    for topic in ["logs.error", "logs.warn", "logs", "logs.a.b", "dead.g.logs", "retry.g", "other.error"] {
        put(&memory, topic, &["1"]).await;
    }
    let mut one = Member::join(&memory, "logs.{level}", "g").await;
    let mut out = one.look(9);
    out.sort_by(|a, b| a.message.topic().cmp(&b.message.topic()));
    assert_eq!(topics(&out), ["logs.error", "logs.warn"]);
    let mut rest = Member::join(&memory, "{all..}", "g").await;
    let mut out = rest.look(9);
    out.sort_by(|a, b| a.message.topic().cmp(&b.message.topic()));
    assert_eq!(topics(&out), ["logs", "logs.a.b", "logs.error", "logs.warn", "other.error"], "a group of its own");
    assert_eq!(topics(&Member::join(&memory, "logs.warn", "g").await.look(9)), ["none"]);
}

#[tokio::test]
async fn a_topic_that_is_made_later_joins_and_wakes_who_waits() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "files.{path..}", "g").await;
    let waits = tokio::spawn(async move { (member.wait(9).await, member) });
    tokio::task::yield_now().await;
    put(&memory, "files.etc.hosts", &["1"]).await;
    let (out, member) = waits.await.unwrap();
    assert_eq!((texts(&out), topics(&out)), (vec!["1".into()], vec!["files.etc.hosts"]));
    member.done(out).await;
    assert!(memory.messages("files.etc.hosts").is_empty());
    drop(member);
    put(&memory, "files.var", &["2"]).await;
    let mut again = Member::from_now(&memory, "files.{path..}", "g").await;
    assert_eq!(texts(&again.look(9)), ["2"], "the group was there when the topic was made");
}

#[tokio::test]
async fn every_topic_of_a_pattern_has_its_turn_and_its_messages_are_settled_there() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "logs.{level}", "g").await;
    for topic in ["logs.a", "logs.b", "logs.c"] {
        put(&memory, topic, &["1", "2"]).await;
    }
    let mut first = Vec::new();
    for _ in 0..3 {
        first.extend(member.look(1));
    }
    let mut seen = topics(&first);
    seen.sort_unstable();
    assert_eq!(seen, ["logs.a", "logs.b", "logs.c"]);
    let lanes: std::collections::HashSet<_> = first.iter().map(|delivery| delivery.lease.lane).collect();
    assert_eq!(lanes.len(), 3);
    let options = SubscribeOptions::new("logs.{level}", "g");
    assert_eq!(connection(&memory).await.lag(&options).await.unwrap(), Some(6));
    member.done(first).await;
    assert_eq!(connection(&memory).await.lag(&options).await.unwrap(), Some(3));
    assert!(["logs.a", "logs.b", "logs.c"].iter().all(|topic| memory.messages(topic).len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_a_pattern_comes_back_with_its_topic_whichever_way_it_is_addressed() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "logs.{level}", "g").await;
    for of in ["logs.{level}", "logs.error"] {
        put(&memory, "logs.error", &["1"]).await;
        let out = member.look(9);
        let place = Place::Retry { group: "g", topic: of, after: Duration::from_secs(1) };
        send(&memory, Outgoing::new(place, out[0].message.clone())).await.unwrap();
        member.done(out).await;
        let out = member.wait(9).await;
        assert_eq!((texts(&out), topics(&out)), (vec!["1".into()], vec!["logs.error"]), "{of}");
        member.done(out).await;
    }
}

#[tokio::test]
async fn a_pattern_is_no_topic() {
    let memory = MemoryBroker::new();
    let error = memory.publish("logs.{level}", Message::new("1")).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Refused);
    let wanted = [Place::Topic("logs.{level}"), Place::Dead { group: "g", topic: "logs.{level}" }];
    let connection = connection(&memory).await;
    assert_eq!(connection.provision(&wanted, Provision::Verify).await.unwrap().len(), 1);
    connection.provision(&wanted, Provision::Missing).await.unwrap();
    let _member = Member::join(&memory, "logs.{level}", "g").await;
    assert_eq!(memory.topics(), ["dead.g.logs.{level}".into()]);
    let refused = connection.subscribe(&SubscribeOptions::new("logs.{level", "g")).await.unwrap_err();
    assert_eq!(refused.kind(), BrokerErrorKind::Refused);
}

#[tokio::test]
async fn a_message_that_is_passed_on_does_not_say_where_it_came_from_before() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "logs.{level}", "g").await;
    put(&memory, "logs.error", &["1"]).await;
    let out = member.look(9);
    memory.publish("elsewhere", out[0].message.clone()).await.unwrap();
    assert_eq!(topics(&Member::join(&memory, "elsewhere", "g").await.look(9)), ["none"]);
}
