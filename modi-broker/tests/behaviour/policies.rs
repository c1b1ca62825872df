//! What becomes of a message that cannot be handled: policies, hooks, and messages that end the process.

use crate::shop::{Call, Probe};
use crate::time::pass;
use crate::trouble::Trouble;
use modi_broker::{AppExt, FailureKind, MemoryBroker, Message, Outcome, SubscriberStats, TestApp};
use modi_core::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

async fn start() -> TestApp<Trouble> {
    TestApp::start(Trouble).await.unwrap()
}

fn stats(app: &TestApp<Trouble>, handler: &str) -> SubscriberStats {
    let name = format!("Trouble::{handler}");
    app.report().subscribers.into_iter().find(|stats| stats.name == name).unwrap()
}

fn fails(app: &TestApp<Trouble>, handler: &'static str, error: impl Fn(Call) -> Error + Send + Sync + 'static) {
    app.get::<Probe>().on(handler, move |call| {
        let error = error(call);
        async { Err(error) }
    });
}

#[tokio::test(start_paused = true)]
async fn the_policy_to_drop_acknowledges_what_cannot_be_handled_and_counts_it() {
    for topic in ["dropped", "ignored"] {
        let app = start().await;
        fails(&app, topic, |call| match call.number {
            1 => Error::new("a poison message"),
            _ => Error::reject("never"),
        });
        app.publish(topic, &1).await.unwrap();
        app.publish(topic, &2).await.unwrap();
        app.publish(topic, "not a number").await.unwrap();
        let stats = stats(&app, topic);
        assert_eq!((stats.received, stats.dropped, stats.rejected, stats.acked), (3, 3, 2, 0), "{topic}");
        assert!(app.dead_letters(topic).is_empty() && app.broker().messages(topic).is_empty());
        let attempts = app.get::<Probe>().notes(topic).len();
        assert_eq!(attempts, if topic == "dropped" { 3 } else { 2 });
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_drops_nothing_and_a_drop_does_not_end_an_outage() {
    for topic in ["dropped", "ignored"] {
        let app = start().await;
        let is_up = Arc::new(AtomicBool::new(false));
        let reached = is_up.clone();
        app.get::<Probe>().on(topic, move |call| {
            let is_up = reached.load(Ordering::Relaxed);
            async move {
                match (is_up, call.number) {
                    (true, _) => Ok(Outcome::Ack),
                    (false, 7) => Err(Error::reject("never")),
                    (false, _) => Err(Error::new("the stock cannot be reached")),
                }
            }
        });
        for number in 0..30 {
            app.broker().publish(topic, Message::json(&number).unwrap()).await.unwrap();
        }
        pass(Duration::from_secs(3_600)).await;
        let during = stats(&app, topic);
        assert!(during.degraded && during.dropped <= 1 && during.opened == 1, "{topic}: {during:?}");
        is_up.store(true, Ordering::Relaxed);
        app.settled().await.unwrap();
        let after = stats(&app, topic);
        assert_eq!((after.acked + after.dropped, after.dropped <= 1), (30, true), "{topic}: {after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_policy_to_stop_the_application_keeps_the_message_and_says_which() {
    for (topic, attempts) in [("halting", 2), ("ending", 1)] {
        let memory = MemoryBroker::new();
        let app = TestApp::new(Trouble).broker(&memory).start().await.unwrap();
        fails(&app, topic, |_| Error::new("a poison message"));
        memory.publish(topic, Message::json(&1).unwrap()).await.unwrap();
        app.app().host().stop().stopped().await;
        let error = app.stop().await.unwrap_err();
        let said = format!("{error:#}");
        let meant = format!(
            "`Trouble::{topic}` cannot go on: a message of `{topic}` cannot be handled, and stays there \
             (`error`, attempt {attempts}): a poison message"
        );
        assert_eq!(said, meant);
        assert_eq!(memory.messages(topic).len(), 1);
        assert!(memory.messages(&format!("dead.Trouble.{topic}")).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_keeps_the_message_keeps_what_cannot_be_decoded_too() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Trouble).broker(&memory).start().await.unwrap();
    memory.publish("halting", Message::new("not a number")).await.unwrap();
    app.app().host().stop().stopped().await;
    assert!(format!("{:#}", app.stop().await.unwrap_err()).contains("(`decode`, attempt 1)"));
    assert_eq!(memory.messages("halting").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_policy_to_stop_ends_the_subscriber_and_the_application_goes_on() {
    let app = start().await;
    fails(&app, "stopping", |_| Error::new("a poison message"));
    for number in 1..=2 {
        app.broker().publish("stopping", Message::json(&number).unwrap()).await.unwrap();
    }
    pass(Duration::from_secs(3_600)).await;
    assert_eq!(app.get::<Probe>().notes("stopping"), ["stopping 1 attempt 1"]);
    assert_eq!(app.broker().messages("stopping").len(), 2);
    app.broker().publish("later", Message::json(&1).unwrap()).await.unwrap();
    pass(Duration::from_secs(1)).await;
    assert_eq!(stats(&app, "later").acked, 1);
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_policy_to_restart_handles_the_message_again_after_a_while() {
    let app = start().await;
    let calls = std::sync::atomic::AtomicU32::new(0);
    app.get::<Probe>().on("restarting", move |_| {
        let fails = calls.fetch_add(1, Ordering::Relaxed) < 3;
        async move { if fails { Err(Error::new("not yet")) } else { Ok(Outcome::Ack) } }
    });
    for number in 1..=2 {
        app.broker().publish("restarting", Message::json(&number).unwrap()).await.unwrap();
    }
    pass(Duration::from_secs(60)).await;
    let notes = app.get::<Probe>().notes("restarting");
    let first = "restarting 1 attempt 1";
    assert_eq!(notes, [first, first, first, first, "restarting 2 attempt 1"], "what is given back is not counted");
    assert!(app.broker().messages("restarting").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_choose_every_outcome() {
    let app = start().await;
    fails(&app, "judging", |call| match (call.number, call.attempt) {
        (1, _) => Error::new("ack"),
        (2, _) => Error::new("drop"),
        (3, 1) => Error::reject("retry"),
        (3, _) => Error::new("ack"),
        (4, _) => Error::reject("later"),
        (5, _) => Error::new("reject"),
        (6, _) => Error::new("panic"),
        _ => Error::new("something else"),
    });
    let begun = Instant::now();
    for number in 1..=3 {
        app.publish("judging", &number).await.unwrap();
    }
    let after = stats(&app, "judging");
    assert_eq!((after.acked, after.dropped, after.retried, after.dead_lettered), (2, 1, 1, 0));
    assert!(begun.elapsed() < Duration::from_secs(1));
    app.publish("judging", &4).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(6), "two retries, after three seconds each");

    let message = Message::json(&5).unwrap().with_key("k").with_header("own", "header");
    app.publish_message("judging", message).await.unwrap();
    app.publish("judging", &6).await.unwrap();
    app.publish("judging", &7).await.unwrap();
    let letters = app.dead_letters("judging");
    let told: Vec<_> = letters.iter().map(|letter| (letter.kind, letter.attempts, &*letter.error)).collect();
    let rejected = "judging Trouble Trouble::judging: error 1 true k header: reject";
    assert_eq!(
        told,
        [
            // A hook gives no more attempts than there are.
            (FailureKind::Reject, 3, "later"),
            (FailureKind::Reject, 1, rejected),
            (FailureKind::Error, 3, "panic"),
            (FailureKind::Error, 3, "something else"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_give_a_message_back() {
    let app = start().await;
    let calls = std::sync::atomic::AtomicU32::new(0);
    app.get::<Probe>().on("judging", move |_| {
        let first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        async move { if first { Err(Error::new("release")) } else { Ok(Outcome::Ack) } }
    });
    app.publish("judging", &1).await.unwrap();
    let stats = stats(&app, "judging");
    assert_eq!((stats.released, stats.acked, stats.retried), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_hook_of_the_application_is_asked_when_that_of_the_subscriber_says_nothing() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let setup = TestApp::new(Trouble).configure(move |app| {
        app.on_error(move |failed| {
            let note =
                format!("{} {:#} {} {}", failed.subscriber(), failed.error(), failed.attempt(), failed.has_retries());
            noted.lock().unwrap().push(note);
            (failed.kind() == FailureKind::Decode).then(|| Outcome::drop("not ours"))
        })
    });
    let app = setup.start().await.unwrap();
    fails(&app, "judging", |call| Error::new(if call.number == 1 { "ack" } else { "something else" }));
    app.publish("judging", &1).await.unwrap();
    app.publish("judging", &2).await.unwrap();
    app.publish("dropped", "not a number").await.unwrap();
    let notes = seen.lock().unwrap().clone();
    let last = "Trouble::judging something else 3 false";
    assert_eq!(notes[..3], ["Trouble::judging something else 1 true", "Trouble::judging something else 2 true", last]);
    assert_eq!((notes.len(), app.dead_letters("judging").len()), (4, 1));
    assert!(
        notes[3].starts_with("Trouble::dropped the payload is not a `u32` as JSON") && notes[3].ends_with(" 1 false")
    );
    assert_eq!((stats(&app, "dropped").dropped, stats(&app, "dropped").rejected), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_ends_the_process_ten_times_is_a_dead_letter_before_it_does_so_again() {
    for topic in ["judging", "aside"] {
        let memory = MemoryBroker::new();
        memory.publish(topic, Message::json(&1).unwrap()).await.unwrap();
        for start in 1..=10 {
            let app = TestApp::new(Trouble).broker(&memory).start().await.unwrap();
            let begun = Arc::new(tokio::sync::Notify::new());
            let tells = begun.clone();
            app.get::<Probe>().on(topic, move |call| {
                assert_eq!(call.attempt, start);
                tells.notify_one();
                std::future::pending()
            });
            begun.notified().await;
            drop(app);
            tokio::task::yield_now().await;
        }
        let app = TestApp::new(Trouble).broker(&memory).start().await.unwrap();
        app.publish(topic, &2).await.unwrap();
        assert_eq!(app.get::<Probe>().notes(topic), [format!("{topic} 2 attempt 1")]);
        let letters = app.dead_letters(topic);
        let [letter] = &letters[..] else { panic!("{letters:?}") };
        assert_eq!((letter.kind, letter.attempts), (FailureKind::Crash, 10));
        assert_eq!(letter.error, "it was handed out 11 times, and its handler never came to an end");
        assert_eq!(app.report().total().panics, 0);
    }
}
