//! Several handlers on one subscription, each with messages of its own.

use crate::shop::{Probe, subscriber};
use crate::stage::stage;
use crate::time::pass;
use modi_broker::{
    Attempt, Context, Early, FailureKind, FromMessage, Handler, Json, MemoryBroker, Message, Order, Outcome, Publisher,
    Spec, TestApp, argument, early,
};
use modi_core::graph::Edge;
use modi_core::module::Module;
use modi_core::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

fn is(message: &Message, kind: &str) -> bool {
    message.headers().text("kind") == Some(kind)
}

/// `#[subscriber("events", filter = |message| is(message, "created"), publish = "seen")]`
async fn created(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Json<u32>> {
    probe.play("created", n, &context).await?;
    Ok(Json(n))
}

/// `#[subscriber("events", filter = |message| is(message, "paid"), retries = 0)]`
async fn paid(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("paid", n, &context).await
}

/// `#[subscriber("keyed", filter = .., concurrency = 4, order = key)]`, and the same for all the rest.
async fn odd(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("keyed odd", n, &context).await
}
async fn rest(Json(n): Json<u32>, context: Context, probe: Arc<Probe>, publisher: Publisher) -> Result<Outcome> {
    publisher.publish("seen", &n).await?;
    probe.play("keyed rest", n, &context).await
}

const KEYED: Spec = Spec::new("keyed").concurrency(4).order(Order::Key);

subscriber!(Created = created(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Json<u32>>,
    Spec::new("events").filter(|message| is(message, "created")).publish("seen"));
subscriber!(Paid = paid(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("events").filter(|message| is(message, "paid")).retries(0));
subscriber!(Odd = odd(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    KEYED.filter(|message| is(message, "odd")));
subscriber!(Rest = rest(n: Json<u32>, context: Context, probe: Arc<Probe>, publisher: Publisher) -> Result<Outcome>, KEYED);

stage!(Desk: Created "created", Paid "paid", Rest "rest", Odd "odd");

fn message(number: u32, kind: &str) -> Message {
    Message::json(&number).unwrap().with_header("kind", kind.to_owned())
}

#[tokio::test(start_paused = true)]
async fn each_message_has_the_handler_that_takes_it() {
    let app = TestApp::start(Desk).await.unwrap();
    for (number, kind) in [(1, "created"), (2, "paid"), (3, "created")] {
        app.publish_message("events", message(number, kind)).await.unwrap();
    }
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("created"), ["created 1 attempt 1", "created 3 attempt 1"]);
    assert_eq!(probe.notes("paid"), ["paid 2 attempt 1"]);
    assert_eq!(app.published::<u32>("seen"), [1, 3]);
    assert_eq!(app.report().total().acked, 3);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_takes_is_a_dead_letter_unless_a_handler_takes_all() {
    let app = TestApp::start(Desk).await.unwrap();
    app.publish_message("events", message(4, "returned")).await.unwrap();
    app.publish_message("keyed", message(5, "even")).await.unwrap();
    let letters: Vec<_> = app.dead_letters("events").into_iter().map(|letter| letter.kind).collect();
    assert_eq!(letters, [FailureKind::Unhandled]);
    assert_eq!(app.get::<Probe>().notes("keyed"), ["keyed rest 5 attempt 1"]);
}

#[tokio::test(start_paused = true)]
async fn each_handler_has_its_own_retries_and_stands_in_its_own_dead_letters() {
    let app = TestApp::start(Desk).await.unwrap();
    for handler in ["created", "paid"] {
        app.get::<Probe>().on(handler, |_| async { Err(Error::new("no")) });
    }
    app.publish_message("events", message(1, "created")).await.unwrap();
    app.publish_message("events", message(2, "paid")).await.unwrap();
    let letters = app.dead_letters("events");
    let letters: Vec<_> = letters.iter().map(|letter| (&*letter.subscriber, letter.attempts)).collect();
    assert_eq!(letters, [("Desk::created", 4), ("Desk::paid", 1)]);
}

#[tokio::test(start_paused = true)]
async fn order_per_key_holds_across_the_handlers_of_a_subscription() {
    let memory = MemoryBroker::new();
    for number in 0..40 {
        let kind = if number % 2 == 1 { "odd" } else { "even" };
        memory.publish("keyed", message(number, kind).with_key((number / 2 % 4).to_string())).await.unwrap();
    }
    let app = TestApp::new(Desk).broker(&memory).start().await.unwrap();
    for handler in ["keyed odd", "keyed rest"] {
        app.get::<Probe>().on(handler, |call| async move {
            pass(Duration::from_millis(u64::from(call.number % 7))).await;
            Ok(Outcome::Ack)
        });
    }
    app.settled().await.unwrap();
    let number = |note: &String| note.split(' ').nth(2).unwrap().parse::<u32>().unwrap();
    let begun: Vec<u32> = app.get::<Probe>().notes("keyed").iter().map(number).collect();
    assert_eq!(begun.len(), 40);
    for key in 0..4 {
        let of_key: Vec<_> = begun.iter().filter(|number| **number / 2 % 4 == key).collect();
        assert!(of_key.is_sorted(), "{key}: {of_key:?}");
    }
}
