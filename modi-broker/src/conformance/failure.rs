//! F. What becomes of messages that cannot be handled.

use super::faulty::{Fault, Faulty, Operation};
use super::member::id;
use super::probe::{ACK, Call, Played, What};
use super::run::Proof;
use super::stage::{Nothing, batch_scenes, scenes};
use super::test::{GROUP, Running, TOPIC, Test, assert_on_time, item, letter, within};
use crate::contract::{Outgoing, Place};
use crate::{BrokerErrorKind, FailureKind, Json, Message, Outcome, PublishError, Spec, SubscriberState};
use modi_core::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

const MOMENT: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(1);

scenes! {
    Plain: Nothing = Spec::new(TOPIC);
    Typed: Json<u32> = Spec::new(TOPIC);
    Brief: Nothing = Spec::new(TOPIC).retries(1).backoff(MOMENT, MOMENT).deadline(Duration::from_millis(200));
    Retried: Nothing = Spec::new(TOPIC).retries(2).backoff(MOMENT, MOMENT);
}

batch_scenes! {
    Batched = Spec::new(TOPIC).retries(1).backoff(MOMENT, MOMENT).batch(10).linger(Duration::from_millis(200));
}

pub(super) async fn c50_an_undecodable_payload_is_a_dead_letter_and_the_next_message_is_handled(
    test: &Test<'_>,
) -> Proof {
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app = test.start::<Typed, _>(|_| async { ACK }).await;
    test.put(TOPIC, Message::new("no number").with_id("bad")).await;
    test.put(TOPIC, Message::new("7").with_id("good")).await;
    app.handles(1).await;
    let letter = letter(&mut dead).await;
    assert_eq!((id(&letter.message), letter.kind, letter.attempts), ("bad".to_owned(), FailureKind::Decode, 1));
    assert_eq!(letter.message.payload().map(|payload| &payload[..]), Some(&b"no number"[..]));
    assert_eq!(app.stop().await.handled(), ["good"]);
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

/// A message that fails both its attempts in a way, and one behind it that does not.
async fn fails(test: &Test<'_>, kind: FailureKind, fail: fn() -> Played) -> Proof {
    let mut dead = test.dead(TOPIC, GROUP).await;
    let play = move |call: Call<Nothing>| {
        let bad = call.id() == "bad";
        async move { if bad { fail().await } else { ACK } }
    };
    let app = test.start::<Brief, _>(play).await;
    test.put_ids(["bad", "good"]).await;
    app.handles(1).await;
    let letter = letter(&mut dead).await;
    assert_eq!((id(&letter.message), letter.kind, letter.attempts), ("bad".to_owned(), kind, 2));
    app.until(|stats| stats.acked == 1 && stats.dead_lettered == 1).await;
    let probe = app.stop().await;
    assert_eq!((probe.begun().len(), probe.handled()), (3, vec!["good".to_owned()]));
    Proof::Held
}

pub(super) async fn c51_a_panic_is_a_failure_like_another(test: &Test<'_>) -> Proof {
    fails(test, FailureKind::Panic, || Box::pin(async { panic!("on purpose") })).await
}

pub(super) async fn c52_a_missed_deadline_is_a_failure_like_another(test: &Test<'_>) -> Proof {
    fails(test, FailureKind::Deadline, || Box::pin(std::future::pending())).await
}

pub(super) async fn c53_retries_are_counted_and_bounded(test: &Test<'_>) -> Proof {
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app = test.start::<Retried, _>(|_| async { Err(Error::new("a bad day")) }).await;
    test.put_ids(["1"]).await;
    let letter = letter(&mut dead).await;
    assert_eq!((letter.kind, letter.attempts), (FailureKind::Error, 3));
    test.quiet().await;
    app.until(|stats| stats.retried == 2 && stats.dead_lettered == 1).await;
    let attempts: Vec<_> = app.stop().await.begun().iter().map(|note| note.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert!(dead.strays().await.is_empty());
    Proof::Held
}

pub(super) async fn c54_errors_say_themselves_what_follows(test: &Test<'_>) -> Proof {
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app = test
        .start::<Plain, _>(|call| async move {
            match (call.id(), call.attempt()) {
                ("reject", _) => Err(Error::reject("it can never succeed")),
                ("wait", 1) => Err(Error::retry_after(SECOND, "busy")),
                ("drop", _) => Ok(Outcome::drop("nobody needs it").into()),
                ("retry", 1) => Ok(Outcome::retry().into()),
                _ => ACK,
            }
        })
        .await;
    test.put_ids(["reject", "wait", "drop", "retry", "fine"]).await;
    let letter = letter(&mut dead).await;
    assert_eq!((id(&letter.message), letter.kind, letter.attempts), ("reject".to_owned(), FailureKind::Reject, 1));
    app.until(|stats| (stats.acked, stats.dropped, stats.dead_lettered) == (3, 1, 1)).await;
    let begun = app.stop().await.begun();
    let calls = |id: &str| begun.iter().filter(|note| note.id == id).map(|note| note.at).collect::<Vec<_>>();
    assert_eq!([calls("reject").len(), calls("drop").len(), calls("retry").len(), calls("fine").len()], [1, 1, 2, 1]);
    let [first, second] = calls("wait")[..] else { panic!("{begun:?}") };
    assert_on_time(second - first, SECOND);
    assert!(dead.strays().await.is_empty());
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

pub(super) async fn c55_a_dead_letter_carries_the_message_as_it_was_and_all_that_is_known(test: &Test<'_>) -> Proof {
    let before = SystemTime::now() - SECOND;
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app =
        test.start::<Retried, _>(|_| async { Err(PublishError::Stopped { topic: "stock".to_owned() }.into()) }).await;
    let first: &[u8] = if carries_bytes(test).await { &[b'a', 0xff] } else { b"1" };
    let sent = item("m-1").with_key("k").with_header("own", first).with_header("own", "2");
    test.put(TOPIC, sent.clone()).await;
    let letter = letter(&mut dead).await;
    let mut message = letter.message.clone();
    message.headers_mut().remove(crate::wire::CORRELATION_ID);
    assert_eq!((message.payload(), message.key(), message.id()), (sent.payload(), sent.key(), sent.id()));
    let own = |message: &Message| message.headers().all("own").cloned().collect::<Vec<_>>();
    assert_eq!(own(&message), own(&sent));
    assert_eq!(message.headers().len(), sent.headers().len(), "{:?}", message.headers());
    assert_eq!((letter.kind, letter.attempts), (FailureKind::Error, 3));
    assert!(letter.error.contains("the application has stopped"), "{}", letter.error);
    assert_eq!((&*letter.topic, &*letter.group), (TOPIC, GROUP), "as the subscriber calls them");
    assert!(letter.error_type.is_some_and(|name| name.contains("PublishError")));
    assert_eq!((&*letter.subscriber, &*letter.service), ("Stage::act", GROUP));
    let (first, last) = (letter.first_failure.unwrap(), letter.last_failure.unwrap());
    assert!(before <= first && first <= last && last <= SystemTime::now() + SECOND);
    app.stop().await;
    Proof::Held
}

/// Whether headers may have any bytes here.
async fn carries_bytes(test: &Test<'_>) -> bool {
    let bytes = item("bytes").with_header("raw", vec![0xff]);
    test.make("bytes").await;
    test.send(Outgoing::new(Place::Topic("bytes"), bytes)).await.is_ok()
}

pub(super) async fn c56_a_dead_letter_that_cannot_be_written_leaves_the_original_where_it_is(test: &Test<'_>) -> Proof {
    let mut dead = test.dead(TOPIC, GROUP).await;
    let faulty = Faulty::new(&test.broker);
    faulty.refuse(Operation::Dead, 5);
    let rejects = |_| async { Err(Error::reject("an order of nothing")) };
    let app = test.start_on::<Plain, _>(&faulty.broker(), GROUP, rejects).await.unwrap();
    test.put_ids(["1"]).await;
    let tried = || faulty.calls().iter().filter(|call| **call == Operation::Dead).count();
    within(async {
        while tried() < 3 {
            sleep(MOMENT).await;
        }
    })
    .await;
    assert_eq!(app.stats().dead_lettered, 0);
    if test.claims.lag && test.claims.at_least_once {
        assert_eq!(test.lag(TOPIC, GROUP).await, Some(1), "it is acknowledged");
    }
    assert_eq!(id(&letter(&mut dead).await.message), "1");
    app.until(|stats| stats.dead_lettered == 1).await;
    test.drained(TOPIC, GROUP).await;
    app.stop().await;

    // One that can never be written: it stays, and the subscriber stops and says so.
    let faulty = Faulty::new(&test.broker);
    faulty.fail(Operation::Dead, 1_000, Fault::Refused(BrokerErrorKind::TooLarge));
    let app = test.start_on::<Plain, _>(&faulty.broker(), GROUP, rejects).await.unwrap();
    test.put_ids(["2"]).await;
    within(app.app.stop_handle().stopped()).await;
    stopped(app).await;
    if !test.claims.at_least_once {
        return test.forgets().await;
    }
    let mut again = test.join(TOPIC, GROUP).await;
    let delivery = again.one().await;
    assert_eq!(id(&delivery.message), "2");
    again.done([delivery]).await;
    again.leave().await;

    // At the size that the broker takes at most the dead letter may be too large, for it has more headers.
    let Some(largest) = test.claims.largest.filter(|largest| *largest <= 64 << 20) else { return Proof::Held };
    let app = test.start::<Plain, _>(rejects).await;
    test.put(TOPIC, Message::new(vec![0; largest])).await;
    let stop = app.app.stop_handle();
    tokio::select! {
        () = within(stop.stopped()) => stopped(app).await,
        delivery = dead.one() => {
            assert_eq!(delivery.message.payload().map(bytes::Bytes::len), Some(largest));
            dead.done([delivery]).await;
            app.stop().await;
        }
    }
    Proof::Held
}

/// The subscriber has failed for want of a place for its dead letter, and says so.
async fn stopped(app: Running<Plain>) {
    let status = app.subscribers().list().remove(0);
    assert_eq!(status.state, SubscriberState::Failed);
    let error = status.error.unwrap_or_default();
    assert!(error.contains("dead."), "{error}");
    assert!(within(app.app.stop()).await.is_err());
}

pub(super) async fn c58_a_redrive_brings_dead_letters_back_to_their_group_with_new_attempts(test: &Test<'_>) -> Proof {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = is_mended.clone();
    let app = test
        .start::<Retried, _>(move |_| {
            let is_mended = mended.load(Ordering::Relaxed);
            async move { if is_mended { ACK } else { Err(Error::reject("not mended yet")) } }
        })
        .await;
    let other = test.start_as::<Plain, _>("other", |_| async { ACK }).await;
    test.put_ids(["1", "2"]).await;
    app.until(|stats| stats.dead_lettered == 2).await;
    other.handles(2).await;
    is_mended.store(true, Ordering::Relaxed);
    let sent = within(test.broker.redrive(TOPIC, GROUP).run()).await;
    let proof = if test.claims.at_least_once {
        assert_eq!(sent.unwrap(), 2);
        app.handles(2).await;
        let attempts: Vec<_> = app.probe.begun().iter().map(|note| note.attempt).collect();
        assert_eq!(attempts, [1, 1, 1, 1]);
        Proof::Held
    } else {
        // Nobody kept them.
        assert!(!sent.is_ok_and(|sent| sent > 0));
        Proof::Denied("at_least_once")
    };
    test.quiet().await;
    assert_eq!(other.stop().await.begun().len(), 2, "they are not for it");
    app.stop().await;
    proof
}

pub(super) async fn c59_a_bad_item_of_a_batch_fails_alone(test: &Test<'_>) -> Proof {
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app = test
        .start::<Batched, _>(|batch: Vec<Message>| async move {
            let judge = |message: &Message| match message.id() {
                Some("rejected") => Outcome::reject("an order of nothing"),
                Some("failed") => Outcome::retry(),
                _ => Outcome::Ack,
            };
            Ok(batch.iter().map(judge).collect())
        })
        .await;
    for id in ["1", "rejected", "bad", "2", "failed", "3"] {
        test.put(TOPIC, Message::new(id).with_id(id)).await;
    }
    let mut letters = Vec::new();
    for _ in 0..3 {
        let letter = letter(&mut dead).await;
        letters.push((id(&letter.message), letter.kind));
    }
    letters.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [("bad", FailureKind::Decode), ("failed", FailureKind::Error), ("rejected", FailureKind::Reject)];
    assert_eq!(letters, expected.map(|(id, kind)| (id.to_owned(), kind)));
    app.until(|stats| stats.acked == 3 && stats.dead_lettered == 3).await;
    let probe = app.stop().await;
    for id in ["1", "2", "3"] {
        assert_eq!(probe.begun().iter().filter(|note| note.id == id).count(), 1, "{id} is handled once");
    }
    let is_batch = |what: &What| matches!(what, What::Batch(many) if *many > 1);
    assert!(probe.begun().iter().any(|note| is_batch(&note.what)), "it came one by one");
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}
