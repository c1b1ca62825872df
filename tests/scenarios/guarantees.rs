//! What `docs/guarantees.md` says of each broker, as far as its profile in memory shows it.

use crate::time::pass;
use modi::prelude::*;
use modi::{FailureKind, MemoryBroker, MemoryProfile};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Every call, as `payload attempt n`. It outlives the application.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<String>>>, Arc<Notify>);

impl Calls {
    fn add(&self, context: &Context, text: &str) {
        let call = format!("{text} attempt {}", context.attempt());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        self.1.notify_one();
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[subscriber("said", group = "g", retries = 1)]
async fn said(text: String, context: Context, calls: Arc<Calls>) -> modi::Result<Outcome> {
    calls.add(&context, &text);
    Ok(match (&*text, context.attempt()) {
        ("retry", _) => Outcome::retry(),
        ("reject", _) => Outcome::reject("no"),
        ("release", _) if calls.all().len() == 1 => Outcome::Release,
        ("drop", _) => Outcome::drop("not ours"),
        ("later", 1) => return Err(modi::Error::retry_after(Duration::from_secs(60), "not yet")),
        _ => Outcome::Ack,
    })
}

#[subscriber("typed", group = "g")]
async fn typed(Json(_): Json<u32>) {}

#[subscriber("stuck", group = "g", deadline = "10m")]
async fn stuck(text: String, context: Context, calls: Arc<Calls>) {
    calls.add(&context, &text);
    if text == "1" {
        pass(Duration::from_secs(60)).await;
    }
}

#[module(subscribers = [said, typed, stuck])]
struct Guarantees {
    #[provide]
    calls: Calls,
}

async fn start(memory: &MemoryBroker, calls: &Calls) -> TestApp<Guarantees> {
    TestApp::new(Guarantees { calls: calls.clone() }).broker(memory).start().await.expect("it starts")
}

use MemoryProfile::{Core, JetStream, Kafka, Native, RabbitMq, Redis};

/// One message, and long enough for what comes later.
async fn say(profile: MemoryProfile, topic: &str, text: &'static str) -> (TestApp<Guarantees>, Vec<String>) {
    let (memory, calls) = (MemoryBroker::like(profile), Calls::default());
    let app = start(&memory, &calls).await;
    memory.publish(topic, Message::new(text)).await.expect("it is taken");
    pass(Duration::from_secs(200)).await;
    (app, calls.all())
}

#[tokio::test(start_paused = true)]
async fn an_outcome_is_the_same_on_every_broker() {
    for profile in MemoryProfile::ALL {
        for (text, attempts, acked, dropped, dead) in [
            ("ack", 1, 1, 0, None),
            ("retry", 2, 0, 0, Some(FailureKind::Error)),
            ("reject", 1, 0, 0, Some(FailureKind::Reject)),
            ("drop", 1, 0, 1, None),
            ("later", 2, 1, 0, None),
        ] {
            let (app, calls) = say(profile, "said", text).await;
            let meant: Vec<_> = (1..=attempts).map(|attempt| format!("{text} attempt {attempt}")).collect();
            assert_eq!(calls, meant, "{profile:?}");
            let total = app.report().total();
            assert_eq!((total.acked, total.dropped, total.settle_failed), (acked, dropped, 0), "{profile:?} {text}");
            let letters = app.dead_letters("said");
            assert_eq!(letters.first().map(|letter| letter.kind), dead, "{profile:?} {text}");
            // Core NATS carries dead letters, and keeps none; a long wait is waited for in place there.
            let kept = app.broker().messages("dead.g.said").len();
            assert_eq!(kept, usize::from(dead.is_some() && profile != Core), "{profile:?} {text}");
            assert_eq!(total.redelivered, u64::from(text == "later" && profile != Core), "{profile:?}");
        }
        let (app, _) = say(profile, "typed", "no number").await;
        assert_eq!(app.dead_letters("typed")[0].kind, FailureKind::Decode, "{profile:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_released_message_comes_again_everywhere_and_is_not_counted() {
    for profile in MemoryProfile::ALL {
        let (app, calls) = say(profile, "said", "release").await;
        assert_eq!(calls, ["release attempt 1"; 2], "{profile:?}");
        let total = app.report().total();
        assert_eq!((total.acked, total.settle_failed), (1, 0), "{profile:?}");
    }
}

/// What ends the handling of three messages, of which the first is handled, one is in hand, and one waits behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Kill,
    Stop,
    CrashOfTheBroker,
}

/// The calls after that, in order.
async fn after(profile: MemoryProfile, how: How) -> Vec<String> {
    let (memory, calls) = (MemoryBroker::like(profile).with_partitions(1), Calls::default());
    let app = start(&memory, &calls).await;
    for text in ["0", "1", "2"] {
        memory.publish("stuck", Message::new(text)).await.expect("it is taken");
    }
    while calls.all().len() < 2 {
        calls.1.notified().await;
    }
    // Longer than any settlement waits for others, and than Kafka waits to commit.
    pass(Duration::from_secs(2)).await;
    let again = match how {
        How::Kill => {
            drop(app);
            tokio::task::yield_now().await;
            start(&memory, &calls).await
        }
        How::Stop => {
            app.stop().await.expect("it stops");
            start(&memory, &calls).await
        }
        How::CrashOfTheBroker => {
            memory.crash();
            app
        }
    };
    pass(Duration::from_secs(200)).await;
    drop(again);
    calls.all().split_off(2)
}

#[tokio::test(start_paused = true)]
async fn what_is_in_hand_comes_again_after_a_crash_and_what_was_settled_does_not() {
    for how in [How::Kill, How::CrashOfTheBroker] {
        for profile in [Native, RabbitMq, Redis, JetStream] {
            assert_eq!(after(profile, how).await, ["1 attempt 2", "2 attempt 2"], "{profile:?} {how:?}");
        }
        assert_eq!(after(Kafka, how).await, ["1 attempt 1", "2 attempt 1"], "it does not count, {how:?}");
        assert!(after(Core, how).await.is_empty(), "it is gone, {how:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_done_at_the_drain_deadline_is_given_back_and_not_counted() {
    for profile in [Native, Kafka, RabbitMq, Redis, JetStream] {
        assert_eq!(after(profile, How::Stop).await, ["1 attempt 1", "2 attempt 1"], "{profile:?}");
    }
    assert!(after(Core, How::Stop).await.is_empty(), "it is gone");
}
