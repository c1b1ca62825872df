//! Stopping, and starting again on the same broker.

use crate::idle;
use crate::odd::Odd;
use crate::shop::{Probe, Shop};
use crate::time::pass;
use modi_broker::{AppExt, Broker, MemoryBroker, Message, Outcome, PublishError, Publisher, Receipt, TestApp};
use modi_core::App;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The handler of orders takes a while.
fn slow(app: &TestApp<Shop>, takes: Duration) {
    app.get::<Probe>().on("created", move |_| async move {
        pass(takes).await;
        Ok(Outcome::Ack)
    });
}

async fn put(memory: &MemoryBroker, numbers: &[u32]) {
    for number in numbers {
        memory.publish("orders.created", Message::json(number).unwrap()).await.unwrap();
    }
    idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_the_handler_that_runs_and_gives_back_the_rest() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    slow(&app, Duration::from_secs(10));
    put(&memory, &[1, 3, 5]).await;
    let probe = app.get::<Probe>().clone();
    app.stop().await.unwrap();
    assert_eq!(probe.notes("created"), ["created 1 attempt 1"]);
    assert_eq!(probe.notes("unit 1:"), ["unit 1: commit"]);

    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    app.settled().await.unwrap();
    let again = ["created 3 attempt 1", "created 5 attempt 1"];
    assert_eq!(app.get::<Probe>().notes("created"), again, "given back is not a failed attempt");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_done_at_the_drain_deadline_is_cancelled_and_given_back() {
    let memory = MemoryBroker::new();
    let deadline = Duration::from_secs(2);
    let setup = TestApp::new(Shop).broker(&memory).configure(|app| app.drain_deadline(deadline));
    let app = setup.start().await.unwrap();
    slow(&app, Duration::from_secs(10));
    put(&memory, &[1]).await;
    let probe = app.get::<Probe>().clone();
    let begun = tokio::time::Instant::now();
    app.stop().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(probe.notes("unit 1:"), ["unit 1: rollback after cancellation"]);

    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    app.settled().await.unwrap();
    assert_eq!(app.get::<Probe>().notes("created"), ["created 1 attempt 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_for_its_next_attempt_is_given_back_at_once() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    app.get::<Probe>().on("judged", |_| async { Ok(Outcome::retry_after(Duration::from_secs(3_600))) });
    memory.publish("judged", Message::json(&1).unwrap()).await.unwrap();
    idle().await;
    let begun = tokio::time::Instant::now();
    app.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(memory.messages("judged").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_dropped_application_had_in_hand_is_handled_by_the_next() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    slow(&app, Duration::from_secs(10));
    put(&memory, &[1, 3]).await;
    drop(app);
    idle().await;

    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    app.settled().await.unwrap();
    let again = ["created 1 attempt 2", "created 3 attempt 1"];
    assert_eq!(app.get::<Probe>().notes("created"), again, "nobody knows how far the first came; it was alone");
    assert!(memory.messages("orders.created").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn settled_is_exact_on_several_threads() {
    let app = TestApp::start(Shop).await.unwrap();
    for round in 1..=300 {
        app.publish("orders.created", &(round * 2)).await.unwrap();
        assert_eq!(app.messages("payments.completed").len(), round);
        assert_eq!(app.get::<Probe>().notes("completed").len(), round);
    }
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn messages_from_before_the_first_start_are_handled() {
    let memory = MemoryBroker::new();
    put(&memory, &[1, 2]).await;
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    app.settled().await.unwrap();
    assert_eq!(app.get::<Probe>().notes("created").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_publisher_waits_for_the_connection_and_fails_after_the_stop() {
    let memory = MemoryBroker::new();
    let app = App::new(Shop).name("shop").broker(memory.clone());
    let publisher: Publisher = app.extension::<Publisher>().unwrap().clone();
    let early = tokio::spawn({
        let publisher = publisher.clone();
        async move { publisher.publish("elsewhere", &1).await }
    });
    idle().await;
    assert!(!early.is_finished());
    let app = app.start().await.unwrap();
    assert_eq!(early.await.unwrap().unwrap(), Receipt::at(0));
    assert!(matches!(publisher.on("audit"), Err(PublishError::UnknownBroker { .. })));
    app.stop().await.unwrap();
    let late = publisher.to("elsewhere").key("k").bytes("2").send().await;
    assert!(matches!(late, Err(PublishError::Stopped { .. })), "{late:?}");
    assert_eq!(memory.messages("elsewhere").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_can_never_take_a_dead_letter_stops_the_application_and_keeps_the_message() {
    let memory = MemoryBroker::new();
    let narrow = Odd { refuses_dead_letters: true, ..Odd::new(&memory) };
    let app = App::new(Shop).name("shop").broker(Broker::new("narrow", narrow)).start().await.unwrap();
    memory.publish("judged", Message::json("not a number").unwrap()).await.unwrap();
    app.host().stop().stopped().await;
    let error = app.stop().await.unwrap_err();
    assert_eq!(format!("{error:#}"), "`Shop::judged` cannot go on: too large");
    assert_eq!(memory.messages("judged").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_out_than_the_subscriber_allows_while_settlements_are_slow() {
    let memory = MemoryBroker::new();
    for number in 0..1_000 {
        memory.publish("judged", Message::json(&number).unwrap()).await.unwrap();
    }
    let slow = Odd { settles_slowly: true, ..Odd::new(&memory) };
    let most = slow.most.clone();
    let broker = Broker::new("slow", slow);
    let app = App::new(Shop).name("shop").broker(broker.clone()).start().await.unwrap();
    while broker.report().total().settled < 1_000 {
        pass(Duration::from_secs(1)).await;
    }
    let most = most.load(Ordering::Relaxed);
    assert!((64..=256).contains(&most), "{most}");
    app.stop().await.unwrap();
    assert!(memory.messages("judged").is_empty());
}
