//! What is handled, what it publishes, and when it is acknowledged.

use crate::idle;
use crate::shop::{Probe, Shop};
use crate::time::pass;
use modi_broker::{MemoryBroker, Message, Outcome, TestApp, wire};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

#[tokio::test(start_paused = true)]
async fn a_chain_over_three_topics_has_settled_when_publish_returns() {
    let app = TestApp::start(Shop).await.unwrap();
    app.publish("orders.created", &2).await.unwrap();
    assert_eq!(app.published::<u32>("payments.requested"), [2]);
    assert_eq!(app.published::<u32>("payments.completed"), [2]);
    assert_eq!(app.get::<Probe>().notes("completed"), ["completed 2 via requested"]);
    let total = app.report().total();
    // `orders.created` has two groups.
    assert_eq!((total.received, total.acked, total.settled, total.published), (4, 4, 4, 2));
    assert_eq!((total.retried, total.dead_lettered, total.in_flight()), (0, 0, 0));
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_none_publishes_nothing() {
    let app = TestApp::start(Shop).await.unwrap();
    app.publish("orders.created", &3).await.unwrap();
    assert!(app.messages("payments.requested").is_empty());
}

#[tokio::test(start_paused = true)]
async fn results_take_the_key_and_the_correlation_of_the_message_in_hand() {
    let app = TestApp::start(Shop).await.unwrap();
    let given = Message::json(&2).unwrap().with_key("order_2").with_header(wire::CORRELATION_ID, "c-1").with_id("m-1");
    app.publish_message("orders.created", given).await.unwrap();
    let by_id = Message::json(&4).unwrap().with_id("m-2");
    app.publish_message("orders.created", by_id).await.unwrap();
    app.publish("orders.created", &6).await.unwrap();
    let of = |topic: &str| {
        let messages = app.messages(topic);
        let text = |message: &Message| message.correlation_id().unwrap().into_owned();
        messages.iter().map(text).collect::<Vec<_>>()
    };
    let (requested, completed) = (of("payments.requested"), of("payments.completed"));
    assert_eq!(requested[..2], ["c-1", "m-2"]);
    assert_eq!(requested[2].len(), 24, "made where nothing was there: {}", requested[2]);
    assert_eq!(requested, completed);
    assert_eq!(app.get::<Probe>().notes("key"), ["key order_2", "key none", "key none"]);
    assert_eq!(app.messages("payments.completed")[0].key().unwrap(), "order_2");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_acknowledged_after_its_results_are_confirmed() {
    let memory = MemoryBroker::new().with_capacity(1);
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    let gate = hold_payments(&app);
    memory.publish("orders.created", Message::json(&2).unwrap()).await.unwrap();
    idle().await;
    memory.publish("orders.created", Message::json(&4).unwrap()).await.unwrap();
    idle().await;
    // `payments.requested` is full with the first, so the result of the second waits for its confirmation.
    assert_eq!(app.get::<Probe>().notes("created"), ["created 2 attempt 1", "created 4 attempt 1"]);
    assert_eq!(memory.messages("orders.created").len(), 1);
    gate.add_permits(2);
    app.settled().await.unwrap();
    assert!(memory.messages("orders.created").is_empty());
    assert_eq!(app.published::<u32>("payments.completed"), [2, 4]);
    assert_eq!(app.get::<Probe>().notes("created").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_published_is_a_failed_attempt() {
    let memory = MemoryBroker::new().with_capacity(1).with_full_deadline(Duration::from_secs(2));
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    let gate = hold_payments(&app);
    for number in [2, 4] {
        memory.publish("orders.created", Message::json(&number).unwrap()).await.unwrap();
    }
    pass(Duration::from_secs(3)).await;
    assert_eq!(app.get::<Probe>().notes("created 4"), ["created 4 attempt 1", "created 4 attempt 2"]);
    gate.add_permits(2);
    app.settled().await.unwrap();
    assert_eq!(app.published::<u32>("payments.requested"), [2, 4]);
    assert!(app.dead_letters("orders.created").is_empty());
}

/// The handler of payments waits until the test lets it go on.
fn hold_payments(app: &TestApp<Shop>) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    app.get::<Probe>().on("requested", move |_| {
        let gate = held.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(Outcome::Ack)
        }
    });
    gate
}

#[tokio::test(start_paused = true)]
async fn settling_goes_on_while_handlers_never_wait() {
    let memory = MemoryBroker::new();
    for number in 1..=200 {
        memory.publish("judged", Message::json(&number).unwrap()).await.unwrap();
    }
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    let (probe, held) = (app.get::<Probe>(), memory.clone());
    let most_left = Arc::new(std::sync::atomic::AtomicUsize::new(usize::MAX));
    let left = most_left.clone();
    probe.on("judged", move |call| {
        if call.number == 200 {
            left.store(held.messages("judged").len(), std::sync::atomic::Ordering::Relaxed);
        }
        async { Ok(Outcome::Ack) }
    });
    app.settled().await.unwrap();
    // They go out by the quarter of 256.
    assert_eq!(most_left.load(std::sync::atomic::Ordering::Relaxed), 200 - 3 * 64);
}

#[tokio::test(start_paused = true)]
async fn two_groups_each_get_everything() {
    let app = TestApp::start(Shop).await.unwrap();
    for number in [1, 3, 5] {
        app.publish("orders.created", &number).await.unwrap();
    }
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("audited"), ["audited 1", "audited 3", "audited 5"]);
    assert_eq!(probe.notes("created").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_members_of_one_group_share_and_none_gets_what_another_got() {
    let memory = MemoryBroker::new();
    let start = || TestApp::new(Shop).broker(&memory).start();
    let (first, second) = (start().await.unwrap(), start().await.unwrap());
    for app in [&first, &second] {
        app.get::<Probe>().on("created", |_| async {
            pass(Duration::from_millis(10)).await;
            Ok(Outcome::Ack)
        });
    }
    for number in 0..20 {
        memory.publish("orders.created", Message::json(&(number * 2 + 1)).unwrap()).await.unwrap();
        idle().await;
    }
    first.settled().await.unwrap();
    let count = |app: &TestApp<Shop>| app.get::<Probe>().notes("created").len();
    assert_eq!(count(&first) + count(&second), 20);
    assert!(count(&first) > 0 && count(&second) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_chain_without_an_end_is_an_error_that_lists_its_topics() {
    let app = TestApp::start(Shop).await.unwrap();
    let error = app.publish("echo", &1).await.unwrap_err().to_string();
    assert!(error.contains("10000 hops") && error.contains("`echo`"), "{error}");
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "message 1 of `orders.created`: the payload is not a `u32` as JSON")]
async fn asking_for_the_wrong_type_says_which_message_it_is() {
    let app = TestApp::start(Shop).await.unwrap();
    app.publish("orders.created", &1).await.unwrap();
    app.publish("orders.created", "one").await.unwrap();
    app.published::<u32>("orders.created");
}
