//! What a kill of the broker and its restart leave.

use super::{Member, publisher, put, send, texts};
use crate::idle;
use crate::shop::{Probe, Shop};
use crate::time::pass;
use modi_broker::contract::{Outgoing, Place, SettleResult};
use modi_broker::{BrokerErrorKind, MemoryBroker, Message, Outcome, TestApp};
use std::time::Duration;

#[tokio::test]
async fn what_members_had_in_hand_comes_again_and_they_are_told() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1", "2", "3"]).await;
    let finished = member.look(1);
    member.done(finished).await;
    let out = member.look(1);
    let lane = out[0].lease.lane;
    memory.crash();
    assert!(member.0.lanes.is_gone(lane), "what has not started is not started");
    assert_eq!(member.done(out).await, [SettleResult::LeaseLost]);
    assert_eq!(member.try_look(9).unwrap_err().kind(), BrokerErrorKind::Unavailable);
    let again = member.look(9);
    let attempts: Vec<_> = again.iter().map(|delivery| delivery.attempt).collect();
    assert_eq!((texts(&again), attempts), (vec!["2".into(), "3".into()], vec![2, 1]));
    assert!(!member.0.lanes.is_gone(again[0].lease.lane));
    assert_eq!(member.done(again).await, [SettleResult::Settled; 2]);
}

#[tokio::test(start_paused = true)]
async fn publications_without_room_and_questions_fail_and_delayed_messages_stay() {
    let memory = MemoryBroker::new().with_capacity(1);
    let mut member = Member::join(&memory, "events", "g").await;
    let place = Place::Retry { group: "g", topic: "events", after: Duration::from_secs(9) };
    send(&memory, Outgoing::new(place, Message::new("copy"))).await.unwrap();
    put(&memory, "events", &["1"]).await;
    let publisher = publisher(&memory).await;
    let waits = publisher.send(Outgoing::new(Place::Topic("events"), Message::new("2")));
    let listener = Member::join(&memory, "questions", "g").await;
    let asked = Outgoing::new(Place::Topic("questions"), Message::new("?"));
    let asked = publisher.request(asked, Duration::from_secs(60));
    memory.crash();
    assert_eq!(waits.wait().await.unwrap_err().kind(), BrokerErrorKind::Unavailable);
    assert_eq!(asked.await.unwrap_err().kind(), BrokerErrorKind::Unavailable);
    member.try_look(9).unwrap_err();
    let out = member.look(9);
    assert_eq!(texts(&out), ["1"]);
    member.done(out).await;
    assert_eq!(texts(&member.wait(9).await), ["copy"]);
    drop(listener);
}

#[tokio::test(start_paused = true)]
async fn an_application_goes_on_after_a_crash_and_settled_waits_for_it() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    app.get::<Probe>().on("created", |_| async {
        pass(Duration::from_secs(5)).await;
        Ok(Outcome::Ack)
    });
    for number in [1, 2, 3] {
        memory.publish("orders.created", Message::json(&number).unwrap()).await.unwrap();
    }
    idle().await;
    memory.crash();
    app.settled().await.unwrap();
    let attempts = app.get::<Probe>().notes("created");
    let expected = ["created 1 attempt 1", "created 1 attempt 2", "created 2 attempt 1", "created 3 attempt 1"];
    assert_eq!(attempts, expected);
    assert!(memory.messages("orders.created").is_empty());
    assert_eq!(app.messages("payments.requested").len(), 1);
    app.stop().await.unwrap();
}
