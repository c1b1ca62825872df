//! F. What is not the message's own failure, what is, and what each attempt begins with.

use super::member::id;
use super::probe::{ACK, Call, What};
use super::run::Proof;
use super::stage::{Nothing, scenes};
use super::subject::Clock;
use super::test::{GROUP, PATIENCE, TOPIC, Test, ids, item, letter, sorted};
use crate::{FailureKind, Spec};
use modi_core::Error;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const MOMENT: Duration = Duration::from_millis(10);
const SECOND: Duration = Duration::from_secs(1);

scenes! {
    Retried: Nothing = Spec::new(TOPIC).retries(2).backoff(MOMENT, MOMENT);
    Pattern: Nothing = Spec::new("{all..}");
    Later: Nothing = Spec::new("work.items").retries(0).redeliver(&[SECOND]);
}

pub(super) async fn c93_an_outage_opens_the_breaker_and_no_message_is_a_dead_letter(test: &Test<'_>) -> Proof {
    let outage = if test.subject.clock() == Clock::Paused { 600 * SECOND } else { 10 * SECOND };
    let mut dead = test.dead(TOPIC, GROUP).await;
    let is_up = Arc::new(AtomicBool::new(false));
    let reached = is_up.clone();
    let app = test
        .start::<Retried, _>(move |_| {
            let is_up = reached.load(Ordering::Relaxed);
            async move { if is_up { ACK } else { Err(Error::new("the stock cannot be reached")) } }
        })
        .await;
    test.put_ids(0..20).await;
    app.until(|stats| stats.degraded).await;
    let begun = Instant::now();
    for number in 20..40 {
        test.put(TOPIC, item(number)).await;
        sleep(outage / 20).await;
    }
    assert!(begun.elapsed() >= outage && app.stats().degraded);
    assert_eq!((app.stats().dead_lettered, app.stats().acked), (0, 0));
    is_up.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    // The longest pause between two probes is a minute.
    while app.stats().acked < 40 {
        assert!(begun.elapsed() < PATIENCE + 10 * SECOND, "{:?}", app.stats());
        sleep(10 * MOMENT).await;
    }
    assert!(!app.stats().degraded);
    assert!(dead.strays().await.is_empty());
    assert_eq!(sorted(app.stop().await.handled()), ids(0..40));
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

pub(super) async fn c94_a_message_that_ends_its_process_again_and_again_is_a_dead_letter(test: &Test<'_>) -> Proof {
    if !test.claims.at_least_once {
        return test.forgets().await;
    }
    let mut dead = test.dead(TOPIC, GROUP).await;
    let mut member = test.join(TOPIC, GROUP).await;
    test.put_ids(["killer"]).await;
    for _ in 0..10 {
        assert_eq!(id(&member.one().await.message), "killer");
        // Its process ends, and another one begins.
        drop(member);
        member = test.join(TOPIC, GROUP).await;
    }
    drop(member);
    let app = test.start::<Retried, _>(|_| async { ACK }).await;
    test.put_ids(["good"]).await;
    if !test.claims.counts_attempts {
        app.handles(2).await;
        app.stop().await;
        return Proof::Denied("counts_attempts");
    }
    let letter = letter(&mut dead).await;
    assert_eq!((id(&letter.message), letter.kind), ("killer".to_owned(), FailureKind::Crash));
    app.handles(1).await;
    assert_eq!(app.stop().await.handled(), ["good"], "the handler is not called with it");
    test.drained(TOPIC, GROUP).await;
    Proof::Held
}

pub(super) async fn c95_each_attempt_has_scoped_services_of_its_own_and_their_completion_can_fail_it(
    test: &Test<'_>,
) -> Proof {
    let app = test
        .start::<Retried, _>(|call| async move {
            match (call.id(), call.attempt()) {
                ("fails", 1) => Err(Error::new("a bad day")),
                ("panics", 1) => panic!("on purpose"),
                _ => ACK,
            }
        })
        .await;
    for (at, id) in ["fails", "panics", "fine"].into_iter().enumerate() {
        test.put(TOPIC, item(id)).await;
        app.handles(at + 1).await;
    }
    app.until(|stats| stats.acked == 3).await;
    app.probe.failing_units.store(1, Ordering::Relaxed);
    test.put(TOPIC, item("unit")).await;
    app.until(|stats| stats.acked == 4).await;
    let notes = app.stop().await.notes();
    let mut units = HashSet::new();
    let mut of = |id: &str| {
        let begun = notes.iter().filter(|note| note.id == id);
        begun.for_each(|note| {
            if let What::Began { unit, .. } = note.what {
                assert!(units.insert(unit), "{id}: a unit is used twice");
            }
        });
        notes.iter().filter(|note| note.id == id && matches!(note.what, What::Began { .. })).count()
    };
    assert_eq!([of("fails"), of("panics"), of("fine"), of("unit")], [2, 2, 1, 2]);
    let completed: Vec<_> = notes
        .iter()
        .filter_map(|note| match note.what {
            What::Completed { unit, how } => Some((unit, how)),
            _ => None,
        })
        .collect();
    let expected = ["failure", "success", "panic", "success", "success", "success", "success"];
    assert_eq!(completed, (1..).zip(expected).collect::<Vec<_>>(), "each is completed once, in its way");
    Proof::Held
}

pub(super) async fn c96_a_pattern_never_sees_dead_letters_or_retries(test: &Test<'_>) -> Proof {
    if !test.claims.patterns {
        let started = test.start_on::<Pattern, _>(&test.broker, GROUP, |_| async { ACK }).await;
        assert!(format!("{:?}", started.map(|_| ()).unwrap_err()).contains("pattern"));
        return Proof::Denied("patterns");
    }
    let pattern = test.start_as::<Pattern, _>("pattern", |_| async { ACK }).await;
    let plays = |call: Call<Nothing>| async move {
        match (call.id(), call.attempt()) {
            ("dead", _) => Err(Error::reject("an order of nothing")),
            ("later", 1) => Err(Error::new("a bad day")),
            _ => ACK,
        }
    };
    let mut expected = vec!["dead"];
    let mut dead;
    if test.claims.at_least_once {
        dead = test.dead("work.items", GROUP).await;
        let app = test.start::<Later, _>(plays).await;
        test.put("work.items", item("dead")).await;
        test.put("work.items", item("later")).await;
        expected.push("later");
        app.handles(1).await;
        letter(&mut dead).await;
        app.stop().await;
    } else {
        dead = test.dead(TOPIC, GROUP).await;
        let app = test.start::<Retried, _>(plays).await;
        test.put(TOPIC, item("dead")).await;
        letter(&mut dead).await;
        app.stop().await;
    }
    pattern.handles(expected.len()).await;
    test.quiet().await;
    assert_eq!(sorted(pattern.stop().await.handled()), expected);
    Proof::Held
}
