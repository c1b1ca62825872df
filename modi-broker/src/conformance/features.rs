//! H. Publishing and its results, batches, times, numbers.

use super::faulty::{Fault, Faulty, Operation};
use super::member::{id, ids_of};
use super::probe::{ACK, Call, Said, What};
use super::run::Proof;
use super::settlement::text;
use super::stage::{Nothing, batch_scenes, scenes};
use super::test::{GROUP, QUIET, TOPIC, Test, assert_on_time, distinct, ids, item, letter, sorted, within};
use crate::contract::{Outgoing, Place, Provision, SubscribeOptions};
use crate::{BrokerErrorKind, FailureKind, Json, Message, Outcome, RunningAppExt, Spec, To, TraceParent, wire};
use futures_util::future::{join, join_all};
use modi_core::Error;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const MOMENT: Duration = Duration::from_millis(10);
const SECOND: Duration = Duration::from_secs(1);
const LINGER: Duration = Duration::from_millis(500);
const SECRET: &str = "hunter2";

scenes! {
    Publishes: Nothing = Spec::new(TOPIC).retries(50).backoff(MOMENT, MOMENT);
    Typed: Json<u32> = Spec::new(TOPIC).retries(0);
    Answers: Nothing => Message = Spec::new(TOPIC).reply();
    Even: Nothing = Spec::new(TOPIC).filter(|message| message.headers().get("even").is_some());
}

batch_scenes! {
    Batched = Spec::new(TOPIC).batch(10).linger(LINGER);
}

/// What it publishes has the id of what it handles.
async fn publishes(call: Call<Nothing>) -> modi_core::Result<Said> {
    Ok(Said::Publish(vec![To::new("results", item(format!("of {}", call.id())))]))
}

pub(super) async fn c60_a_message_that_no_handler_takes_is_a_dead_letter(test: &Test<'_>) -> Proof {
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app = test.start::<Even, _>(|_| async { ACK }).await;
    test.put(TOPIC, item("odd")).await;
    test.put(TOPIC, item("even").with_header("even", "1")).await;
    app.handles(1).await;
    let letter = letter(&mut dead).await;
    assert_eq!((id(&letter.message), letter.kind), ("odd".to_owned(), FailureKind::Unhandled));
    assert_eq!(app.stop().await.handled(), ["even"]);
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

pub(super) async fn c70_questions_have_their_own_answers_and_late_ones_are_dropped(test: &Test<'_>) -> Proof {
    let publisher = test.publisher().await;
    test.make(TOPIC).await;
    let ask = |id: &str, within| publisher.request(Outgoing::new(Place::Topic(TOPIC), item(id)), within);
    if !test.claims.request {
        let error = within(ask("1", SECOND)).await.unwrap_err();
        assert_eq!(error.kind(), BrokerErrorKind::Unsupported);
        let started = test.start_on::<Answers, _>(&test.broker, GROUP, |_| async { Ok(item(1)) }).await;
        assert!(text(&started.map(|_| ()).unwrap_err()).contains("`reply`"));
        return Proof::Denied("request");
    }
    // Nobody is there who could answer.
    let begun = Instant::now();
    let error = within(ask("nobody", SECOND)).await.unwrap_err();
    assert!(matches!(error.kind(), BrokerErrorKind::NoListener | BrokerErrorKind::TimedOut), "{error:?}");
    assert!(begun.elapsed() <= 2 * SECOND);
    let mut member = test.join(TOPIC, GROUP).await;
    member.strays().await;
    // In parallel, answered in another order.
    let answering = async {
        let mut questions = member.take(3).await;
        questions.reverse();
        for question in &questions {
            let answer = item(format!("answer to {}", id(&question.message)));
            let to = Place::Reply(question.message.reply_to().unwrap());
            test.send(Outgoing::new(to, answer)).await.unwrap();
        }
        member.done(questions).await;
    };
    let asking = join_all(["1", "2", "3"].map(|id| ask(id, 10 * SECOND)));
    let (answers, ()) = within(join(asking, answering)).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| id(&answer.unwrap())).collect();
    assert_eq!(answers, ["answer to 1", "answer to 2", "answer to 3"]);
    // One that comes too late disturbs nobody.
    let begun = Instant::now();
    let error = within(ask("late", SECOND)).await.unwrap_err();
    assert_eq!(error.kind(), BrokerErrorKind::TimedOut);
    assert_on_time(begun.elapsed(), SECOND);
    let question = member.one().await;
    let to = Place::Reply(question.message.reply_to().unwrap());
    let _dropped = test.send(Outgoing::new(to, item("late"))).await;
    member.done([question]).await;
    let answering = async {
        let question = member.one().await;
        let to = Place::Reply(question.message.reply_to().unwrap());
        test.send(Outgoing::new(to, item("in time"))).await.unwrap();
        member.done([question]).await;
    };
    let (answer, ()) = within(join(ask("again", 10 * SECOND), answering)).await;
    assert_eq!(id(&answer.unwrap()), "in time");
    member.leave().await;
    // By a handler.
    let answers = |call: Call<Nothing>| async move { Ok(item(format!("handled {}", call.id()))) };
    let app = test.start::<Answers, _>(answers).await;
    let answers = within(join_all(["4", "5", "6"].map(|id| ask(id, 10 * SECOND)))).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| id(&answer.unwrap())).collect();
    assert_eq!(answers, ["handled 4", "handled 5", "handled 6"]);
    app.stop().await;
    Proof::Held
}

pub(super) async fn c71_a_message_is_acknowledged_after_its_results_are_confirmed(test: &Test<'_>) -> Proof {
    let mut results = test.join("results", "reader").await;
    let faulty = Faulty::new(&test.broker);
    faulty.confirms(false);
    let app = test.start_on::<Publishes, _>(&faulty.broker(), GROUP, publishes).await.unwrap();
    test.put_ids(["1"]).await;
    assert_eq!(id(&results.one().await.message), "of 1");
    test.quiet().await;
    assert_eq!(app.stats().acked, 0, "it is acknowledged before");
    assert!(!faulty.calls().contains(&Operation::Settle));
    faulty.confirms(true);
    app.until(|stats| stats.acked == 1 && stats.published == 1).await;
    app.stop().await;
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

pub(super) async fn c72_a_publication_that_fails_calls_the_handler_again(test: &Test<'_>) -> Proof {
    let mut results = test.join("results", "reader").await;
    let faulty = Faulty::new(&test.broker);
    faulty.fail(Operation::Topic, 8, Fault::Refused(BrokerErrorKind::Unavailable));
    let app = test.start_on::<Publishes, _>(&faulty.broker(), GROUP, publishes).await.unwrap();
    test.put_ids(["1"]).await;
    app.until(|stats| stats.acked == 1).await;
    let delivery = results.one().await;
    assert_eq!(id(&delivery.message), "of 1");
    results.done([delivery]).await;
    assert!(results.strays().await.is_empty());
    assert!(app.stop().await.begun().len() > 1);
    Proof::Held
}

pub(super) async fn c76_of_several_messages_with_one_id_one_is_kept(test: &Test<'_>) -> Proof {
    let mut member = test.join(TOPIC, GROUP).await;
    let first = test.put(TOPIC, item("same")).await;
    let second = test.put(TOPIC, item("same")).await;
    let third = test.put(TOPIC, item("other")).await;
    assert_eq!((first.duplicate, second.duplicate, third.duplicate), (false, test.claims.dedupe, false));
    let expected = if test.claims.dedupe { vec!["other", "same"] } else { vec!["other", "same", "same"] };
    let deliveries = member.take(expected.len()).await;
    assert_eq!(sorted(ids_of(&deliveries)), expected);
    member.done(deliveries).await;
    assert!(member.strays().await.is_empty());
    if test.claims.dedupe { Proof::Held } else { Proof::Denied("dedupe") }
}

pub(super) async fn c77_batches_end_by_their_size_and_by_time(test: &Test<'_>) -> Proof {
    let app = test.start::<Batched, _>(|batch: Vec<Message>| async move { Ok(vec![Outcome::Ack; batch.len()]) }).await;
    // By time, with fewer than it may have.
    let begun = Instant::now();
    test.put_ids(0..3).await;
    app.handles(3).await;
    assert_on_time(begun.elapsed(), LINGER);
    // By size: several are there at once, so nobody waits for more.
    app.subscribers().pause("Stage::act").unwrap();
    test.quiet().await;
    test.put_ids(3..28).await;
    app.subscribers().resume("Stage::act").unwrap();
    app.handles(28).await;
    let probe = app.stop().await;
    let mut sizes = Vec::new();
    for note in probe.begun() {
        if let What::Batch(many) = note.what {
            sizes.push(many);
        }
    }
    assert!(sizes.iter().all(|many| *many <= 10) && sizes.contains(&10), "{sizes:?}");
    let handled = probe.handled();
    assert_eq!((handled.len(), distinct(&handled)), (28, 28));
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

pub(super) async fn c78_a_scheduled_message_is_not_early(test: &Test<'_>) -> Proof {
    let mut member = test.join(TOPIC, GROUP).await;
    let later = |id: &str, delay| Outgoing { delay: Some(delay), ..Outgoing::new(Place::Topic(TOPIC), item(id)) };
    if !test.claims.delay {
        let error = test.send(later("1", SECOND)).await.unwrap_err();
        assert_eq!(error.kind(), BrokerErrorKind::Unsupported);
        return Proof::Denied("delay");
    }
    let begun = Instant::now();
    test.send(later("second", 3 * SECOND)).await.unwrap();
    test.send(later("first", SECOND)).await.unwrap();
    test.put_ids(["now"]).await;
    for (expected, delay) in [("now", Duration::ZERO), ("first", SECOND), ("second", 3 * SECOND)] {
        let delivery = member.one().await;
        assert_eq!(id(&delivery.message), expected);
        assert_on_time(begun.elapsed(), delay);
        member.done([delivery]).await;
    }
    Proof::Held
}

pub(super) async fn c80_topics_can_be_made_twice_and_what_is_missing_is_reported(test: &Test<'_>) -> Proof {
    let connection = test.connection().await;
    let wanted = [Place::Topic(TOPIC), Place::Dead { group: GROUP, topic: TOPIC }];
    let missing = async |mode| {
        let differences = within(connection.provision(&wanted, mode)).await.unwrap();
        differences.iter().filter(|difference| difference.missing).count()
    };
    let before = missing(Provision::Verify).await;
    assert!(before <= 2);
    assert_eq!(missing(Provision::Verify).await, before, "looking makes nothing");
    assert_eq!(missing(Provision::Missing).await, 0);
    assert_eq!(missing(Provision::Missing).await, 0);
    assert_eq!(missing(Provision::Verify).await, 0);
    Proof::Held
}

pub(super) async fn c81_the_lag_is_what_a_group_has_not_finished(test: &Test<'_>) -> Proof {
    let mut member = test.join(TOPIC, GROUP).await;
    test.put_ids(0..10).await;
    if !test.claims.lag {
        assert_eq!(test.lag(TOPIC, GROUP).await, None);
        return Proof::Denied("lag");
    }
    let lag = async |expected| {
        within(async {
            while test.lag(TOPIC, GROUP).await != Some(expected) {
                tokio::time::sleep(MOMENT).await;
            }
        })
        .await;
    };
    lag(10).await;
    let mut deliveries = member.take(10).await;
    let rest = deliveries.split_off(4);
    member.done(deliveries).await;
    lag(6).await;
    member.done(rest).await;
    lag(0).await;
    Proof::Held
}

pub(super) async fn c82_a_trace_goes_on_through_results_retries_and_dead_letters(test: &Test<'_>) -> Proof {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    let of = |message: &Message| {
        let header = message.headers().get(wire::TRACEPARENT).cloned().unwrap_or_default();
        TraceParent::read(&header).map(|parent| parent.to_string()).unwrap_or_default()
    };
    let mut results = test.join("results", "reader").await;
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app = test
        .start::<Publishes, _>(|call| async move {
            match (call.id(), call.attempt()) {
                ("dead", _) => Err(Error::reject("an order of nothing")),
                (_, 1) => Err(Error::new("a bad day")),
                _ => publishes(call).await,
            }
        })
        .await;
    for id in ["1", "dead"] {
        let traced = item(id).with_header(wire::TRACEPARENT, format!("00-{TRACE}-b7ad6b7169203331-01"));
        test.put(TOPIC, traced).await;
    }
    let result = results.one().await;
    assert!(of(&result.message).contains(TRACE), "{:?}", result.message.headers());
    results.done([result]).await;
    let letter = letter(&mut dead).await;
    assert!(letter.trace.is_some_and(|trace| trace.to_string().contains(TRACE)));
    assert!(of(&letter.message).contains(TRACE), "it is as it was published");
    app.stop().await;
    Proof::Held
}

pub(super) async fn c83_metrics_have_the_same_names_and_labels_on_every_broker(test: &Test<'_>) -> Proof {
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app = test
        .start::<Publishes, _>(|call| async move {
            match (call.id(), call.attempt()) {
                ("dead", _) => Err(Error::reject("an order of nothing")),
                ("twice", 1) => Err(Error::new("a bad day")),
                _ => publishes(call).await,
            }
        })
        .await;
    test.put_ids(["dead", "twice", "once"]).await;
    letter(&mut dead).await;
    app.until(|stats| stats.acked == 2 && stats.dead_lettered == 1).await;
    let text = within(app.app.metrics().encode()).await.unwrap();
    let expected = [
        ("modi_messages_received_total", 3),
        ("modi_messages_acked_total", 2),
        ("modi_messages_dead_lettered_total", 1),
        ("modi_messages_rejected_total", 1),
        ("modi_messages_in_flight", 0),
        ("modi_attempts_retried_total", 1),
        ("modi_results_published_total", 2),
        ("modi_subscriber_running", 1),
    ];
    for (name, value) in expected {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{{"))).unwrap_or_default();
        assert!(line.ends_with(&format!("}} {value}")), "`{name}` is not {value}: {line}");
        // As the subscriber calls them: without the prefix of the broker.
        for label in ["subscriber=\"Stage::act\"", "topic=\"items\"", "group=\"g\"", "broker=\"default\""] {
            assert!(line.contains(label), "{label}: {line}");
        }
    }
    assert_eq!(text.contains("modi_messages_lag{"), test.claims.lag, "{text}");
    app.stop().await;
    Proof::Held
}

pub(super) async fn c84_no_error_shows_what_is_in_a_message(test: &Test<'_>) -> Proof {
    let secret = || {
        let json = format!("\"{SECRET}\"");
        Message::new(json).with_id("secret").with_key(SECRET).with_header("password", SECRET)
    };
    let mut texts = vec![format!("{:?}", secret()), format!("{:?}", Outgoing::new(Place::Topic(TOPIC), secret()))];
    let mut dead = test.dead(TOPIC, GROUP).await;
    let app = test.start::<Typed, _>(|_| async { ACK }).await;
    test.put(TOPIC, secret()).await;
    texts.push(letter(&mut dead).await.error);
    app.stop().await;
    let mut refused = Vec::new();
    if let Some(largest) = test.claims.largest.filter(|largest| *largest <= 64 << 20) {
        let payload = SECRET.repeat(largest / SECRET.len() + 1);
        refused.push(Outgoing::new(Place::Topic(TOPIC), secret().with_payload(payload)));
    }
    if !test.claims.tombstones {
        let tombstone = Message::tombstone().with_key(SECRET).with_header("password", SECRET);
        refused.push(Outgoing::new(Place::Topic(TOPIC), tombstone));
    }
    if !test.claims.delay {
        refused.push(Outgoing { delay: Some(SECOND), ..Outgoing::new(Place::Topic(TOPIC), secret()) });
    }
    if !test.claims.partition {
        refused.push(Outgoing { partition: Some(0), ..Outgoing::new(Place::Topic(TOPIC), secret()) });
    }
    for outgoing in refused {
        let error = test.send(outgoing).await.unwrap_err();
        texts.push(format!("{error} {error:?}"));
    }
    for text in texts {
        assert!(!text.contains(SECRET), "a secret is shown");
    }
    Proof::Held
}

pub(super) async fn c90_an_application_leaves_nothing_behind(test: &Test<'_>) -> Proof {
    let app = test.start::<Publishes, _>(publishes).await;
    test.put_ids(0..20).await;
    app.handles(20).await;
    let broker = app.broker.clone();
    app.stop().await;
    let total = broker.report().total();
    assert_eq!((total.received, total.acked, total.in_flight()), (20, 20, 0));
    test.drained(TOPIC, GROUP).await;
    // No member is left that would get a share: who comes next gets everything.
    let mut member = test.join_with(SubscribeOptions::new(TOPIC, GROUP)).await;
    let _nothing = timeout(QUIET, member.strays()).await;
    test.put_ids(20..60).await;
    let deliveries = member.take(40).await;
    assert_eq!(sorted(ids_of(&deliveries)), ids(20..60));
    member.done(deliveries).await;
    Proof::Held
}
