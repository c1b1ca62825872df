//! Failures on purpose, and what an application makes of them.

use super::{Member, connection, put, send, texts};
use crate::idle;
use crate::shop::{Probe, Shop};
use crate::time::pass;
use modi_broker::contract::{Connect, Outgoing, Place, SettleResult, SubscribeOptions};
use modi_broker::{BrokerErrorKind, MemoryBroker, Message, Outcome, TestApp};
use std::time::Duration;
use tokio::time::{Instant, advance};

const SECOND: Duration = Duration::from_secs(1);

async fn publish(memory: &MemoryBroker, text: &'static str) -> Result<(), BrokerErrorKind> {
    let sent = send(memory, Outgoing::new(Place::Topic("events"), Message::new(text))).await;
    sent.map(drop).map_err(|error| error.kind())
}

#[tokio::test(start_paused = true)]
async fn one_publication_fails_and_another_loses_its_confirmation() {
    let memory = MemoryBroker::new();
    memory.faults().fail_publication("events", 2, BrokerErrorKind::Full);
    memory.faults().lose_confirmation("events", 3);
    memory.faults().fail_publication("elsewhere", 1, BrokerErrorKind::Refused);
    let mut results = Vec::new();
    for text in ["1", "2", "3", "4"] {
        results.push(publish(&memory, text).await);
    }
    let expected = [Ok(()), Err(BrokerErrorKind::Full), Err(BrokerErrorKind::Unavailable), Ok(())];
    assert_eq!(results, expected);
    assert_eq!(texts(&Member::join(&memory, "events", "g").await.look(9)), ["1", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_publication_failed_runs_again_and_a_lost_confirmation_may_publish_twice() {
    let app = TestApp::start(Shop).await.unwrap();
    app.faults().fail_publication("payments.requested", 1, BrokerErrorKind::Unavailable);
    app.publish("orders.created", &2).await.unwrap();
    assert_eq!(app.published::<u32>("payments.requested"), [2]);
    app.faults().lose_confirmation("payments.requested", 1);
    app.publish("orders.created", &4).await.unwrap();
    let payments = app.published::<u32>("payments.requested");
    assert!(payments == [2, 4] || payments == [2, 4, 4], "{payments:?}");
    assert!(app.dead_letters("orders.created").is_empty());
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_stays_while_its_dead_letter_is_refused() {
    let app = TestApp::start(Shop).await.unwrap();
    app.faults().refuse_dead_letters(BrokerErrorKind::Unavailable);
    app.broker().publish("judged", Message::json("not a number").unwrap()).await.unwrap();
    pass(60 * SECOND).await;
    assert!(app.dead_letters("judged").is_empty());
    assert_eq!(app.broker().messages("judged").len(), 1);
    app.faults().accept_dead_letters();
    app.settled().await.unwrap();
    assert_eq!(app.dead_letters("judged").len(), 1);
    assert!(app.broker().messages("judged").is_empty());
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_the_broker_is_away_everything_fails_that_reaches_for_it_and_settlements_wait() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "events", "g").await;
    put(&memory, "events", &["1", "2"]).await;
    let out = member.look(1);
    let open = connection(&memory).await;
    let publisher = open.publisher().await.unwrap();
    memory.faults().go_away_for(10 * SECOND);
    let sent = publisher.send(Outgoing::new(Place::Topic("events"), Message::new("3"))).wait().await;
    let asked = publisher.request(Outgoing::new(Place::Topic("events"), Message::new("?")), SECOND).await;
    let errors = [
        sent.unwrap_err(),
        asked.unwrap_err(),
        memory.connect().await.map(drop).unwrap_err(),
        open.subscribe(&SubscribeOptions::new("events", "g")).await.unwrap_err(),
        open.publisher().await.map(drop).unwrap_err(),
        member.try_look(9).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == BrokerErrorKind::Unavailable), "{errors:?}");
    let begun = Instant::now();
    assert_eq!(member.done(out).await, [SettleResult::Settled]);
    assert_eq!(begun.elapsed(), 10 * SECOND);
    assert_eq!(texts(&member.look(9)), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_message_learns_that_the_broker_goes_away() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "events", "g").await;
    let waits = tokio::spawn(async move {
        let mut into = Vec::new();
        let credit = SubscribeOptions::new("events", "g").limit;
        let gone = member.0.source.next(credit, &mut into).await.unwrap_err().kind();
        (gone, member)
    });
    idle().await;
    memory.faults().go_away();
    let (gone, mut member) = waits.await.unwrap();
    assert_eq!(gone, BrokerErrorKind::Unavailable);
    memory.faults().come_back();
    put(&memory, "events", &["1"]).await;
    assert_eq!(texts(&member.look(9)), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn an_application_goes_on_when_the_broker_is_back() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("created", |_| async {
        pass(SECOND).await;
        Ok(Outcome::Ack)
    });
    app.broker().publish("orders.created", Message::json(&2).unwrap()).await.unwrap();
    idle().await;
    app.faults().go_away_for(300 * SECOND);
    app.broker().publish("orders.created", Message::json(&4).unwrap()).await.unwrap();
    let begun = Instant::now();
    app.settled().await.unwrap();
    assert!(begun.elapsed() >= 300 * SECOND);
    // What was in hand could publish nothing: it is handled, or its dead letter waited for the broker.
    let mut handled = app.published::<u32>("payments.requested");
    handled.extend(app.dead_letters("orders.created").iter().map(|_letter| 2));
    handled.sort_unstable();
    assert_eq!(handled, [2, 4]);
    assert!(app.broker().messages("orders.created").is_empty());
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn confirmations_come_later_than_the_messages() {
    let memory = MemoryBroker::new();
    memory.faults().confirm_after(5 * SECOND);
    let begun = Instant::now();
    let published = tokio::spawn({
        let memory = memory.clone();
        async move { publish(&memory, "1").await }
    });
    idle().await;
    assert_eq!(memory.messages("events").len(), 1);
    assert_eq!((published.await.unwrap(), begun.elapsed().as_secs()), (Ok(()), 5));
    memory.faults().clear();
    publish(&memory, "2").await.unwrap();
    advance(Duration::ZERO).await;
    assert_eq!(begun.elapsed().as_secs(), 5);
}
