//! Middleware around handlers and around what is published.

use crate::idle;
use crate::rings::{Ring, Rings};
use crate::shop::{Probe, Shop};
use modi_broker::{
    AppExt, DeadLetter, FailureKind, Message, Middleware, NextPublish, Outcome, Outgoing, PublishError, Publisher,
    Receipt, TestApp,
};
use modi_core::{App, Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The module alone.
async fn rings() -> TestApp<Rings> {
    TestApp::start(Rings).await.unwrap()
}

/// The module, with two rings around the application.
async fn ringed() -> (TestApp<Rings>, Arc<Probe>) {
    let probe = Arc::new(Probe::default());
    let (a, b) = (Ring::<'a'> { probe: probe.clone() }, Ring::<'b'> { probe: probe.clone() });
    let setup = TestApp::new(Rings).replace(probe.clone());
    (setup.configure(|app| app.middleware(a).middleware(b)).start().await.unwrap(), probe)
}

fn passed(probe: &Probe, prefix: &str) -> Vec<String> {
    probe.notes(prefix).into_iter().map(|note| note[prefix.len()..].trim().to_owned()).collect()
}

fn via(message: &Message) -> String {
    message.headers().all("via").map(|via| String::from_utf8_lossy(via).into_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_passes_the_application_then_the_module_then_the_subscriber_and_back() {
    let (app, probe) = ringed().await;
    app.publish("ringed", &20).await.unwrap();
    let inwards = ["a", "b", "m", "s", "t"].map(|ring| format!("{ring} in ringed 1 attempt 1"));
    let outwards = ["t", "s", "m", "b", "a"].map(|ring| format!("{ring} out Ack and 2 to publish"));
    assert_eq!(passed(&probe, "pass"), [inwards, outwards].concat());
}

#[tokio::test(start_paused = true)]
async fn publications_pass_in_the_same_order_one_after_the_other() {
    let (app, probe) = ringed().await;
    app.publish("ringed", &20).await.unwrap();
    let once = [
        ["a", "b", "m", "s", "t"].map(|ring| format!("{ring} in results")),
        ["t", "s", "m", "b", "a"].map(|ring| format!("{ring} out true")),
    ]
    .concat();
    assert_eq!(passed(&probe, "publish"), [once.clone(), once].concat());
    assert_eq!(app.published::<u32>("results"), [20, 21]);
    assert_eq!(app.messages("results").iter().map(via).collect::<Vec<_>>(), ["abmst", "abmst"]);
    assert_eq!(app.report().total().published, 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_passes_from_the_inside_to_the_outside() {
    let (app, probe) = ringed().await;
    probe.on("ringed", |_| async { Err(Error::reject("no")) });
    app.publish("ringed", &20).await.unwrap();
    assert_eq!(passed(&probe, "pass")[5..], ["t", "s", "m", "b", "a"].map(|ring| format!("{ring} out no")));
    assert_eq!(app.dead_letters("ringed").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_no_publication_of_the_handler() {
    let (app, probe) = ringed().await;
    probe.on("ringed", |_| async { Err(Error::reject("no")) });
    app.publish("ringed", &20).await.unwrap();
    assert_eq!(passed(&probe, "publish"), [""; 0]);
    assert_eq!(app.dead_letters("ringed").iter().map(|letter| via(&letter.message)).collect::<Vec<_>>(), [""]);
}

#[tokio::test(start_paused = true)]
async fn a_middleware_that_does_not_call_the_handler_says_what_becomes_of_the_message() {
    let app = rings().await;
    app.publish("acted", &1).await.unwrap();
    app.publish("acted", &2).await.unwrap();
    assert_eq!(app.get::<Probe>().notes("acted"), [""; 0]);
    let total = app.report().total();
    assert_eq!((total.acked, total.dropped, total.dead_lettered), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_middleware_may_map_an_error() {
    let app = rings().await;
    app.get::<Probe>().on("acted", |_| async { Err(Error::new("the handler's")) });
    app.publish("acted", &3).await.unwrap();
    let letters = app.dead_letters("acted");
    let [DeadLetter { kind, error, attempts, .. }] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((*kind, &**error, *attempts), (FailureKind::Reject, "of no use: the handler's", 1));
}

#[tokio::test(start_paused = true)]
async fn a_middleware_may_call_the_handler_again_within_the_same_attempt_and_scope() {
    let app = rings().await;
    let first = AtomicBool::new(true);
    app.get::<Probe>().on("acted", move |_| {
        let fails = first.swap(false, Ordering::Relaxed);
        async move { if fails { Err(Error::new("once")) } else { Ok(Outcome::Ack) } }
    });
    app.publish("acted", &4).await.unwrap();
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("acted"), ["acted 4 attempt 1"; 2]);
    assert_eq!(probe.notes("handler"), ["handler in unit 1"; 2]);
    assert_eq!(probe.notes("unit"), ["unit 1: commit"], "the scope is completed once, after all of it");
    assert_eq!(app.report().total().retried, 0);
}

#[tokio::test(start_paused = true)]
async fn a_scoped_middleware_shares_the_scope_of_the_handler_and_each_attempt_has_its_own() {
    let app = rings().await;
    app.get::<Probe>()
        .on("acted", |call| async move { if call.attempt == 1 { Err(Error::new("once")) } else { Ok(Outcome::Ack) } });
    app.publish("acted", &20).await.unwrap();
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("actor"), ["actor in unit 1", "actor in unit 2"]);
    assert_eq!(probe.notes("handler"), ["handler in unit 1", "handler in unit 2"]);
    assert_eq!(probe.notes("unit"), ["unit 1: rollback: once", "unit 2: commit"]);
    assert_eq!(probe.notes("left"), ["left unit 1", "left unit 2"], "nothing keeps what was made for an attempt");
}

#[tokio::test(start_paused = true)]
async fn a_middleware_that_panics_is_a_failed_attempt() {
    let app = rings().await;
    app.publish("acted", &5).await.unwrap();
    let letters = app.dead_letters("acted");
    assert_eq!(
        letters.iter().map(|letter| (letter.kind, letter.attempts)).collect::<Vec<_>>(),
        [(FailureKind::Panic, 2)]
    );
    assert_eq!(app.get::<Probe>().notes("unit 1"), ["unit 1: rollback after panic: a middleware panics"]);
    app.publish("acted", &20).await.unwrap();
    assert_eq!(app.published::<u32>("results"), [20], "the subscriber goes on");
}

#[tokio::test(start_paused = true)]
async fn results_that_a_middleware_does_not_return_are_not_published() {
    let app = rings().await;
    app.publish("acted", &6).await.unwrap();
    assert_eq!(app.get::<Probe>().notes("acted"), ["acted 6 attempt 1"]);
    assert_eq!((app.report().total().acked, app.messages("results").len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_middleware_publishes_as_the_handler_does() {
    let app = rings().await;
    app.publish_message("acted", Message::json(&7).unwrap().with_correlation_id("c")).await.unwrap();
    assert_eq!(app.published::<String>("side"), ["Rings::acted"]);
    let [side] = &app.messages("side")[..] else { panic!("one") };
    assert_eq!((side.correlation_id().as_deref(), &*via(side)), (Some("c"), "m"));
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_is_refused_is_the_handlers_error() {
    let app = rings().await;
    app.publish("acted", &13).await.unwrap();
    let letters = app.dead_letters("acted");
    let [DeadLetter { kind, error, attempts, .. }] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((*kind, *attempts), (FailureKind::Error, 2));
    assert_eq!(error, "could not publish to `results`: it was refused: an unlucky number");
    assert_eq!(app.messages("results").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_around_a_publication_is_a_failed_attempt_and_a_wait_without_end_too() {
    let app = rings().await;
    app.publish("acted", &14).await.unwrap();
    app.publish("acted", &15).await.unwrap();
    let letters = app.dead_letters("acted");
    let told: Vec<_> = letters.iter().map(|letter| (letter.kind, letter.attempts, &*letter.error)).collect();
    let late = "its results were not published after 15s";
    assert_eq!(told, [(FailureKind::Panic, 2, "a middleware panics"), (FailureKind::Error, 2, late)]);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_sends_by_a_publisher_passes_all_of_it() {
    let (app, probe) = ringed().await;
    app.publish("told", &13).await.unwrap();
    app.publish("told", &20).await.unwrap();
    assert_eq!(probe.notes("told"), ["told could not publish to `results`: it was refused", "told all"]);
    assert_eq!(app.messages("results").iter().map(via).collect::<Vec<_>>(), ["abm"]);
    assert_eq!(app.report().total().acked, 2, "the handler may live with a refusal");
}

/// A batch of three.
async fn batch(app: &TestApp<Rings>, numbers: [u32; 3]) {
    for number in numbers {
        app.broker().publish("batched", Message::json(&number).unwrap()).await.unwrap();
    }
    app.settled().await.unwrap();
    idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_passes_as_one_call_and_its_handler_still_settles_message_by_message() {
    let app = rings().await;
    batch(&app, [20, 200, 21]).await;
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("batched"), ["batched [20, 200, 21]"]);
    let in_and_out = ["m in batched 3 attempt 1", "s in batched 3 attempt 1", "s out Ack and 0 to publish"];
    assert_eq!(passed(probe, "pass")[..3], in_and_out);
    assert_eq!((app.report().total().acked, app.report().total().dropped), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_middleware_says_of_a_batch_it_says_of_all_its_messages() {
    let app = rings().await;
    batch(&app, [2, 20, 21]).await;
    assert_eq!((app.report().total().acked, app.report().total().dropped), (0, 3));
    assert_eq!(app.get::<Probe>().notes("batched"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_may_be_handled_again_and_an_error_of_a_batch_is_tried_message_by_message() {
    let app = rings().await;
    let first = Arc::new(AtomicBool::new(true));
    app.get::<Probe>().on("batched", move |_| {
        let fails = first.swap(false, Ordering::Relaxed);
        async move { if fails { Err(Error::new("once")) } else { Ok(Outcome::Ack) } }
    });
    batch(&app, [4, 20, 200]).await;
    let probe = app.get::<Probe>();
    assert_eq!(probe.notes("batched"), ["batched [4, 20, 200]"; 2], "the middleware has called again");
    assert_eq!((app.report().total().acked, app.report().total().dropped), (2, 1));
    probe.on(
        "batched",
        |call| async move { if call.number > 1 { Err(Error::new("together")) } else { Ok(Outcome::Ack) } },
    );
    batch(&app, [30, 31, 32]).await;
    let alone = ["batched [30, 31, 32]", "batched [30]", "batched [31]", "batched [32]"];
    assert_eq!(probe.notes("batched")[2..], alone);
    assert!(probe.notes("pass s in").contains(&"pass s in batched 1 attempt 2".to_owned()));
}

/// Lets nothing through, and says that all is well.
struct Mute;

impl Middleware for Mute {
    async fn publish(&self, _: Outgoing<'_>, _: NextPublish<'_>) -> Result<Receipt, PublishError> {
        Ok(Receipt::default())
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_passes_and_one_that_is_not_asked_has_no_answer() {
    let probe = Arc::new(Probe::default());
    for (is_mute, came_to) in [(false, "publish a out false"), (true, "publish a out true")] {
        let ring = Ring::<'a'> { probe: probe.clone() };
        let (app, publisher) = start(|app| {
            let app = app.middleware(ring);
            if is_mute { app.middleware(Mute) } else { app }
        })
        .await;
        let answered: Result<u32, PublishError> = publisher.request("nobody", &1).await;
        let is_unanswered = matches!(answered, Err(PublishError::NoAnswer { .. }));
        assert!(answered.is_err() && (is_unanswered || !is_mute), "{answered:?}");
        assert_eq!(probe.notes("publish").last().unwrap(), came_to);
        app.stop().await.unwrap();
    }
}

/// The shop, and what publishes for its services.
async fn start(configure: impl FnOnce(App<Shop>) -> App<Shop>) -> (TestApp<Shop>, Publisher) {
    let mut publisher = None;
    let setup = TestApp::new(Shop).configure(|app| {
        let app = configure(app);
        publisher = app.extension::<Publisher>().cloned();
        app
    });
    (setup.start().await.unwrap(), publisher.unwrap())
}

/// Adds a header, and has no say in anything else.
struct Stamp;

impl Middleware for Stamp {
    async fn publish(&self, mut message: Outgoing<'_>, next: NextPublish<'_>) -> Result<Receipt, PublishError> {
        message.message.headers_mut().set("stamp", "modi");
        next.send(message).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_around_the_application_is_around_everything_that_is_published() {
    let (app, publisher) = start(|app| app.middleware(Stamp)).await;
    publisher.publish("orders.created", &2).await.unwrap();
    app.settled().await.unwrap();
    for topic in ["orders.created", "payments.requested", "payments.completed"] {
        let stamps: Vec<_> = app.messages(topic).iter().map(|sent| sent.headers().text("stamp").is_some()).collect();
        assert_eq!(stamps, [true], "{topic}");
    }
}
