//! What becomes of a message whose handling fails.

use crate::idle;
use crate::shop::{Probe, Shop};
use crate::time::pass;
use modi_broker::contract::{Connect, Credit, Delivery, Settlement, SubscribeOptions, Verdict};
use modi_broker::{FailureKind, MemoryBroker, Message, Outcome, TestApp, wire};
use modi_core::Error;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

#[derive(Debug, thiserror::Error)]
#[error("the stock cannot be reached")]
struct Unreachable(#[source] std::io::Error);

fn unreachable() -> Error {
    Error::new(Unreachable(std::io::Error::other("connection refused")))
}

#[tokio::test(start_paused = true)]
async fn a_failing_message_is_tried_three_more_times_with_a_fresh_scope_each_and_is_then_a_dead_letter() {
    let app = TestApp::start(Shop).await.unwrap();
    let probe = app.get::<Probe>();
    probe.on("created", |_| async { Err(unreachable()) });
    let (begun, wall) = (Instant::now(), SystemTime::now());
    let message = Message::json(&2).unwrap().with_key("k").with_header("h", vec![0xff]).with_id("m-1");
    app.publish_message("orders.created", message.clone()).await.unwrap();

    assert_eq!(probe.notes("created"), (1..=4).map(|n| format!("created 2 attempt {n}")).collect::<Vec<_>>());
    assert_eq!(probe.notes("unit").len(), 8);
    assert_eq!(probe.notes("unit 4: "), ["unit 4: rollback: the stock cannot be reached"]);
    assert!(app.messages("payments.requested").is_empty());
    // The last second is the one in which others may show that it is not its own fault.
    assert!(begun.elapsed() <= Duration::from_millis(100 + 200 + 400 + 1_000 + 10));

    let letters = app.dead_letters("orders.created");
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((letter.kind, letter.attempts), (FailureKind::Error, 4));
    assert_eq!(letter.error, "the stock cannot be reached: connection refused");
    assert_eq!(letter.message, message, "payload, key and headers are what they were");
    assert_eq!((&*letter.topic, &*letter.group), ("orders.created", "orders"));
    assert_eq!((&*letter.subscriber, &*letter.service), ("Shop::created", "Shop"));
    let day = Duration::from_secs(86_400);
    let near = |at: Option<SystemTime>| at.unwrap() > wall - day && at.unwrap() < wall + day;
    assert!(near(letter.first_failure) && near(letter.last_failure));
    let raw = &app.messages("dead.orders.orders.created")[0];
    assert_eq!(raw.headers().text(wire::DEAD_MESSAGE_ID), Some("m-1"));

    let stats = app.report();
    let stats = stats.subscribers.iter().find(|stats| stats.name == "Shop::created").unwrap();
    assert_eq!((stats.received, stats.retried, stats.dead_lettered, stats.acked), (1, 3, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_succeeds_in_the_end_goes_on_as_if_nothing_had_been() {
    let app = TestApp::start(Shop).await.unwrap();
    let probe = app.get::<Probe>();
    probe.on("created", |call| async move { if call.attempt < 4 { Err(unreachable()) } else { Ok(Outcome::Ack) } });
    app.publish("orders.created", &2).await.unwrap();
    assert_eq!(app.published::<u32>("payments.completed"), [2]);
    assert!(app.dead_letters("orders.created").is_empty());
    assert_eq!(probe.notes("unit 4:"), ["unit 4: commit"]);
}

#[tokio::test(start_paused = true)]
async fn later_messages_wait_while_one_is_tried_again() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("created", |call| async move {
        if call.number == 1 && call.attempt < 3 { Err(unreachable()) } else { Ok(Outcome::Ack) }
    });
    for number in [1, 3] {
        app.broker().publish("orders.created", Message::json(&number).unwrap()).await.unwrap();
    }
    app.settled().await.unwrap();
    let order = ["created 1 attempt 1", "created 1 attempt 2", "created 1 attempt 3", "created 3 attempt 1"];
    assert_eq!(app.get::<Probe>().notes("created"), order);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_message_is_a_dead_letter_at_once() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("created", |_| async { Err(Error::reject("no such product")) });
    app.get::<Probe>().on("judged", |_| async { Ok(Outcome::reject("a bad one")) });
    app.publish("orders.created", &2).await.unwrap();
    app.publish("judged", &1).await.unwrap();
    for (topic, error) in [("orders.created", "no such product"), ("judged", "a bad one")] {
        let letter = app.dead_letters(topic).remove(0);
        assert_eq!((letter.kind, letter.attempts, &*letter.error), (FailureKind::Reject, 1, error));
    }
    assert_eq!(app.get::<Probe>().notes("unit 1:"), ["unit 1: rollback: no such product"]);
    assert_eq!(app.report().total().rejected, 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decoded_is_a_dead_letter_at_once_and_the_next_message_is_handled() {
    let app = TestApp::start(Shop).await.unwrap();
    let bytes = Message::new(vec![b'{', 0xff, 0]);
    let other = Message::new("7").with_content_type("text/plain");
    for message in [&bytes, &other, &Message::tombstone()] {
        app.publish_message("judged", message.clone()).await.unwrap();
    }
    app.publish("judged", &1).await.unwrap();
    assert_eq!(app.get::<Probe>().notes("judged"), ["judged 1 attempt 1"]);
    let letters = app.dead_letters("judged");
    assert!(letters.iter().all(|letter| letter.kind == FailureKind::Decode && letter.attempts == 1));
    assert_eq!(letters[0].message, bytes);
    assert!(letters[0].error.starts_with("the payload is not a `u32` as JSON: "), "{}", letters[0].error);
    assert_eq!(letters[1].error, "the message declares the content type `text/plain`, and the handler takes JSON");
    assert!(letters[2].error.starts_with("the message has no payload"), "{}", letters[2].error);
}

#[tokio::test(start_paused = true)]
async fn no_scope_is_opened_for_what_cannot_be_decoded() {
    let app = TestApp::start(Shop).await.unwrap();
    app.publish("orders.created", "not a number").await.unwrap();
    assert!(app.get::<Probe>().notes("unit").is_empty());
    assert_eq!(app.dead_letters("orders.created").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_attempt_and_its_scope_is_completed() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("created", |call| async move {
        assert!(call.number != 2, "two is too much");
        Ok(Outcome::Ack)
    });
    app.publish("orders.created", &2).await.unwrap();
    app.publish("orders.created", &3).await.unwrap();
    let letter = app.dead_letters("orders.created").remove(0);
    assert_eq!((letter.kind, letter.attempts, &*letter.error), (FailureKind::Panic, 4, "two is too much"));
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("unit 4: "), ["unit 4: rollback after panic: two is too much"]);
    assert_eq!(probe.notes("unit 5: "), ["unit 5: commit"]);
    assert_eq!(app.report().total().panics, 4);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_misses_its_deadline_is_dropped_and_its_scope_is_completed() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("created", |_| std::future::pending());
    let begun = Instant::now();
    app.publish("orders.created", &2).await.unwrap();
    let letter = app.dead_letters("orders.created").remove(0);
    assert_eq!((letter.kind, letter.attempts, &*letter.error), (FailureKind::Deadline, 4, "not done after 15s"));
    assert!(begun.elapsed() >= Duration::from_secs(60) && begun.elapsed() < Duration::from_secs(62));
    assert_eq!(app.get::<Probe>().notes("unit 4: "), ["unit 4: rollback after deadline"]);
    assert_eq!(app.report().total().timeouts, 4);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_counts_for_each_message_anew() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("judged", |_| async {
        pass(Duration::from_secs(10)).await;
        Ok(Outcome::Ack)
    });
    for number in 1..=4 {
        app.broker().publish("judged", Message::json(&number).unwrap()).await.unwrap();
    }
    app.settled().await.unwrap();
    assert_eq!((app.report().total().acked, app.report().total().timeouts), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_cannot_be_completed_is_a_failed_attempt_and_nothing_is_published() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("unit", |call| async move {
        if call.number == 1 { Err(Error::new("the commit failed")) } else { Ok(Outcome::Ack) }
    });
    app.publish("orders.created", &2).await.unwrap();
    assert_eq!(app.get::<Probe>().notes("created"), ["created 2 attempt 1", "created 2 attempt 2"]);
    assert_eq!(app.published::<u32>("payments.requested"), [2], "by the second attempt only");
}

#[tokio::test(start_paused = true)]
async fn results_of_an_attempt_that_failed_are_not_published_by_the_next() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("unit", |call| async move {
        if call.number == 1 { Err(Error::new("the commit failed")) } else { Ok(Outcome::Ack) }
    });
    app.get::<Probe>().on("created", |call| async move {
        Ok(if call.attempt == 1 { Outcome::Ack } else { Outcome::drop("nothing to pay any more") })
    });
    app.publish("orders.created", &2).await.unwrap();
    assert_eq!(app.get::<Probe>().notes("created").len(), 2);
    assert!(app.messages("payments.requested").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_retried_after_a_while_is_not_early() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("judged", |call| async move {
        Ok(if call.attempt == 1 { Outcome::retry_after(Duration::from_secs(5)) } else { Outcome::Ack })
    });
    let begun = Instant::now();
    app.publish("judged", &1).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(app.get::<Probe>().notes("judged").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_says_how_often_it_tries() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("judged", |_| async { Ok(Outcome::retry()) });
    app.publish("judged", &1).await.unwrap();
    let letter = app.dead_letters("judged").remove(0);
    assert_eq!((letter.attempts, &*letter.error), (2, "the handler asked to be called again"));
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_is_counted_and_what_is_released_comes_again_as_if_new() {
    let app = TestApp::start(Shop).await.unwrap();
    let calls = std::sync::atomic::AtomicU32::new(0);
    app.get::<Probe>().on("judged", move |call| {
        let first = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        assert_eq!(call.attempt, 1);
        async move { Ok(if first { Outcome::Release } else { Outcome::drop("not ours") }) }
    });
    app.publish("judged", &1).await.unwrap();
    let total = app.report().total();
    assert_eq!((total.received, total.released, total.dropped, total.acked), (2, 1, 1, 0));
    assert!(app.dead_letters("judged").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_stays_until_its_dead_letter_can_be_written() {
    let memory = MemoryBroker::new().with_capacity(1);
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    app.publish("judged", "not a number").await.unwrap();
    memory.publish("judged", Message::json("nor this").unwrap()).await.unwrap();
    pass(Duration::from_secs(300)).await;
    assert_eq!(memory.messages("judged").len(), 1, "the dead-letter topic is full, so the message stays");
    assert_eq!(app.dead_letters("judged").len(), 1);

    // Somebody reads the dead letters, and there is room.
    let connection = memory.connect().await.unwrap();
    let options = SubscribeOptions::new("dead.judges.judged", "redrive");
    let mut reader = connection.subscribe(&options).await.unwrap();
    let mut letters: Vec<Delivery> = Vec::new();
    reader.source.next(Credit { messages: 1, bytes: 1024 }, &mut letters).await.unwrap();
    let done = |letter: Delivery| Settlement { lease: letter.lease, verdict: Verdict::Done };
    let _settled = reader.settle.settle(&mut letters.into_iter().map(done).collect());
    drop(reader);
    app.settled().await.unwrap();
    assert!(memory.messages("judged").is_empty());
    assert_eq!(app.dead_letters("judged").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_fails_again_tells_the_new_story_only() {
    let app = TestApp::start(Shop).await.unwrap();
    app.publish("judged", "first").await.unwrap();
    let letter = app.messages("dead.judges.judged").remove(0);
    app.publish_message("judged", letter).await.unwrap();
    let again = &app.messages("dead.judges.judged")[1];
    assert_eq!(again.headers().all(wire::DEAD_KIND).count(), 1);
    assert_eq!(again.headers().len(), app.messages("dead.judges.judged")[0].headers().len());
}

#[tokio::test(start_paused = true)]
async fn a_long_error_is_cut_so_that_the_added_headers_stay_within_4_kib() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("judged", |_| async { Err(Error::reject("ö".repeat(100_000))) });
    app.publish("judged", &1).await.unwrap();
    let letter = app.messages("dead.judges.judged").remove(0);
    let size: usize = letter.headers().iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(size <= 4096, "{size}");
    assert!(app.dead_letters("judged")[0].error.ends_with('…'));
}

#[tokio::test(start_paused = true)]
async fn what_is_acknowledged_when_received_is_gone_before_its_handler_begins() {
    let app = TestApp::start(Shop).await.unwrap();
    let memory = app.broker().clone();
    app.get::<Probe>().on("hasty", move |_| {
        assert!(memory.messages("at.once").is_empty());
        async {
            pass(Duration::from_secs(5)).await;
            Ok(Outcome::Ack)
        }
    });
    app.publish("at.once", &1).await.unwrap();
    idle().await;
    let total = app.report().total();
    assert_eq!((total.settled, total.acked, total.panics), (1, 0, 0));
    pass(Duration::from_secs(6)).await;
    assert_eq!(app.report().total().acked, 1);
}

#[tokio::test(start_paused = true)]
async fn scoped_services_are_left_as_soon_as_their_attempt_is_over() {
    let app = TestApp::start(Shop).await.unwrap();
    let probe = app.get::<Probe>();
    probe.on("created", |call| async move {
        if call.attempt == 1 {
            Err(Error::retry_after(Duration::from_secs(4), unreachable()))
        } else {
            Ok(Outcome::Ack)
        }
    });
    app.broker().publish("orders.created", Message::json(&1).unwrap()).await.unwrap();
    pass(Duration::from_secs(1)).await;
    assert_eq!(probe.notes("left"), ["left unit 1"], "nothing is held while the next attempt is waited for");
    app.settled().await.unwrap();
    idle().await;
    assert_eq!(probe.notes("left"), ["left unit 1", "left unit 2"], "nor while the next message is waited for");
}
