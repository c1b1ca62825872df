//! Dead letters that are sent back.

use crate::odd::Odd;
use crate::shop::{Probe, Shop};
use crate::trouble::Trouble;
use modi_broker::{Broker, BrokerErrorKind, FailureKind, MemoryBroker, Message, Outcome, TestApp, wire};
use modi_core::Error;
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn dead_letters_come_back_to_the_failing_group_only_and_their_attempts_begin_anew() {
    let app = TestApp::start(Shop).await.unwrap();
    app.get::<Probe>().on("created", |_| async { Err(Error::new("the stock cannot be reached")) });
    let message = Message::json(&2).unwrap().with_key("k").with_id("m-1").with_header("own", vec![0xff]);
    app.publish_message("orders.created", message.clone()).await.unwrap();
    assert_eq!(app.dead_letters("orders.created").len(), 1);

    app.get::<Probe>().on("created", |_| async { Ok(Outcome::Ack) });
    assert_eq!(app.redrive("orders.created").await.unwrap(), 1);
    let notes = app.get::<Probe>().notes("created");
    assert_eq!((notes.len(), &*notes[4]), (5, "created 2 attempt 1"));
    assert_eq!(app.get::<Probe>().notes("audited").len(), 1, "the other group has handled it long ago");
    assert_eq!(app.published::<u32>("payments.completed"), [2]);
    assert_eq!(app.redrive("orders.created").await.unwrap(), 0, "nothing is left");
}

#[tokio::test(start_paused = true)]
async fn what_fails_again_is_a_new_dead_letter_and_not_sent_again_by_the_same_redrive() {
    let app = TestApp::start(Trouble).await.unwrap();
    app.get::<Probe>().on("judging", |_| async { Err(Error::reject("never")) });
    for number in 0..300 {
        app.publish("judging", &number).await.unwrap();
    }
    assert_eq!(app.redrive("judging").await.unwrap(), 300);
    let letters = app.dead_letters("judging");
    assert_eq!(letters.len(), 600);
    let (first, again) = (&letters[0], &letters[300]);
    assert_eq!((first.attempts, again.attempts, &again.message), (1, 1, &first.message));
    let raw = &app.messages("dead.Trouble.judging")[300];
    assert_eq!(raw.headers().all(wire::DEAD_KIND).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_redrive_may_choose_by_kind_and_leaves_the_others_as_they_are() {
    let app = TestApp::start(Trouble).await.unwrap();
    app.get::<Probe>().on("judging", |_| async { Err(Error::reject("never")) });
    app.publish("judging", "not a number").await.unwrap();
    app.publish("judging", &1).await.unwrap();
    app.publish("judging", "nor this").await.unwrap();
    let before = app.messages("dead.Trouble.judging");
    app.get::<Probe>().on("judging", |_| async { Ok(Outcome::Ack) });
    let broker = Broker::from(app.broker().clone());
    let sent = broker.redrive("judging", "Trouble").only(FailureKind::Reject).run().await.unwrap();
    app.settled().await.unwrap();
    assert_eq!((sent, app.report().total().acked), (1, 1));
    // The two others were put behind.
    let after = app.messages("dead.Trouble.judging").split_off(before.len());
    assert_eq!(after, [before[0].clone(), before[2].clone()]);
    assert_eq!(broker.redrive("judging", "Trouble").run().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_redrive_that_is_cut_off_loses_nothing() {
    // In the middle of confirmations, of settlements, and between batches.
    for cut in [0, 500, 1_500, 2_500, 3_500, 4_500] {
        let memory = MemoryBroker::new();
        let app = TestApp::new(Trouble).broker(&memory).start().await.unwrap();
        app.get::<Probe>().on("judging", |_| async { Err(Error::reject("never")) });
        for number in 0..300 {
            memory.publish("judging", Message::json(&number).unwrap()).await.unwrap();
        }
        app.settled().await.unwrap();
        app.get::<Probe>().on("judging", |_| async { Ok(Outcome::Ack) });
        let slow = Odd { settles_slowly: true, confirms_slowly: true, ..Odd::new(&memory) };
        let broker = Broker::new("slow", slow);
        let redrive = broker.redrive("judging", "Trouble").run();
        let _cut_off = tokio::time::timeout(Duration::from_millis(cut), redrive).await;
        tokio::task::yield_now().await;
        app.redrive("judging").await.unwrap();
        let acked = app.get::<Probe>().notes("judging").split_off(300);
        let numbers: BTreeSet<_> = acked.iter().map(|note| note.split(' ').nth(1).unwrap().to_owned()).collect();
        assert_eq!(numbers.len(), 300, "cut off after {cut} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_stays_a_dead_letter() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Trouble).broker(&memory).start().await.unwrap();
    app.get::<Probe>().on("judging", |_| async { Err(Error::reject("never")) });
    for number in 0..3 {
        app.publish("judging", &number).await.unwrap();
    }
    let odd = Odd::new(&memory);
    *odd.refuses.lock().unwrap() = vec![BrokerErrorKind::Unavailable, BrokerErrorKind::Unavailable];
    let error = Broker::new("odd", odd).redrive("judging", "Trouble").run().await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::Unavailable);
    app.get::<Probe>().on("judging", |_| async { Ok(Outcome::Ack) });
    assert!(app.redrive("judging").await.unwrap() >= 2);
    assert_eq!(app.report().total().in_flight(), 0);
}
