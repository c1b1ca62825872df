//! C. What keeps its order, and what runs side by side.

use super::probe::{ACK, Call};
use super::run::Proof;
use super::stage::{Nothing, scenes};
use super::test::{GROUP, Running, TOPIC, Test, distinct, item, keyed, within};
use crate::contract::{Credit, OrderScope, SubscribeOptions};
use crate::{Order, Spec};
use modi_core::Error;
use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Barrier, Semaphore};
use tokio::time::{sleep, timeout};

const MOMENT: Duration = Duration::from_millis(2);
const TWO: Duration = Duration::from_secs(2);

const KEYED: Spec = Spec::new(TOPIC).concurrency(8).order(Order::Key).scope(OrderScope::Process).prefetch(64);

scenes! {
    Keyed: Nothing = KEYED.backoff(MOMENT, MOMENT);
    Bounded: Nothing = Spec::new(TOPIC).concurrency(8).order(Order::None).prefetch(10);
    Heavy: Nothing = Spec::new(TOPIC).concurrency(8).order(Order::None).prefetch_bytes(50 << 10);
    Later: Nothing = Spec::new(TOPIC).retries(0).redeliver(&[TWO]);
}

/// Which member handles which number of which key, and whether two of one key ever overlap.
#[derive(Default)]
struct Ledger(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// By member and key.
    running: HashMap<(usize, String), u32>,
    handled: HashMap<(usize, String), Vec<u32>>,
    overlaps: Vec<String>,
}

/// Members that order is said to reach across count as one.
fn scope(test: &Test<'_>, member: usize) -> usize {
    if test.claims.order_scope == OrderScope::Partition { 0 } else { member }
}

const KEYS: u32 = 16;
const EACH: u32 = 12;

/// Two members with 8 workers each handle several keys, of which some fail at first; every key keeps its order.
async fn keeps_order(test: &Test<'_>, fails: fn(&Call<Nothing>) -> bool) -> Proof {
    let ledger = Arc::<Ledger>::default();
    let mut members: Vec<Running<Keyed>> = Vec::new();
    for member in 0..2 {
        let (ledger, member) = (ledger.clone(), scope(test, member));
        let play = move |call: Call<Nothing>| {
            let (key, number) = call.id().split_once('-').unwrap();
            let (key, number): (_, u32) = ((member, key.to_owned()), number.parse().unwrap());
            let (ledger, fails) = (ledger.clone(), fails(&call));
            async move {
                if let Some(other) = ledger.0.lock().unwrap().running.insert(key.clone(), number) {
                    ledger.0.lock().unwrap().overlaps.push(format!("{other} and {number} of {key:?}"));
                }
                sleep(Duration::from_micros(fastrand::u64(0..3_000))).await;
                let mut inner = ledger.0.lock().unwrap();
                inner.running.remove(&key);
                if fails {
                    return Err(Error::new("a bad day"));
                }
                inner.handled.entry(key).or_default().push(number);
                ACK
            }
        };
        members.push(test.start::<Keyed, _>(play).await);
    }
    for number in 0..EACH {
        for key in 0..KEYS {
            test.put(TOPIC, keyed(format!("{key}-{number}"), key)).await;
        }
    }
    let all = u64::from(KEYS * EACH);
    within(async {
        while members.iter().map(|member| member.stats().acked).sum::<u64>() < all {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    for member in members {
        member.stop().await;
    }
    let inner = ledger.0.lock().unwrap();
    assert!(inner.overlaps.is_empty(), "{:?}", inner.overlaps);
    for (key, numbers) in &inner.handled {
        assert!(numbers.is_sorted(), "{key:?}: {numbers:?}");
    }
    if test.claims.order_scope == OrderScope::Partition { Proof::Held } else { Proof::Denied("order_scope") }
}

pub(super) async fn c27_a_key_keeps_its_order_with_eight_workers_and_two_members(test: &Test<'_>) -> Proof {
    keeps_order(test, |_| false).await
}

pub(super) async fn c28_order_survives_retries_in_place(test: &Test<'_>) -> Proof {
    // Fewer than would open the breaker.
    keeps_order(test, |call| call.attempt() < 3 && ["0-3", "4-3", "8-7", "12-7"].contains(&call.id())).await
}

pub(super) async fn c29_a_delayed_retry_loses_its_place_and_the_others_keep_theirs(test: &Test<'_>) -> Proof {
    if !test.claims.at_least_once {
        return test.forgets().await;
    }
    let app = test
        .start::<Later, _>(|call| async move {
            if call.id() == "0" && call.attempt() == 1 { Err(Error::new("a bad day")) } else { ACK }
        })
        .await;
    for number in 0..6 {
        test.put(TOPIC, keyed(number, "one")).await;
    }
    app.handles(6).await;
    assert_eq!(app.stop().await.handled(), ["1", "2", "3", "4", "5", "0"]);
    Proof::Held
}

pub(super) async fn c30_different_keys_overlap(test: &Test<'_>) -> Proof {
    // Nobody goes on before four run at once.
    let barrier = Arc::new(Barrier::new(4));
    let app = test
        .start::<Keyed, _>(move |_| {
            let barrier = barrier.clone();
            async move {
                barrier.wait().await;
                ACK
            }
        })
        .await;
    for key in 0..4 {
        test.put(TOPIC, keyed(key, key)).await;
    }
    app.handles(4).await;
    app.stop().await;
    Proof::Held
}

pub(super) async fn c31_in_flight_never_exceeds_the_bound(test: &Test<'_>) -> Proof {
    // By credit.
    const KIB: usize = 1 << 10;
    let limit = Credit { messages: 6, bytes: 64 * KIB };
    let mut member = test.join_with(SubscribeOptions { limit, ..SubscribeOptions::new(TOPIC, "bytes") }).await;
    let app = {
        let gate = Arc::new(Semaphore::new(0));
        let inside = gate.clone();
        let app = test
            .start::<Bounded, _>(move |_| {
                let gate = inside.clone();
                async move {
                    gate.acquire().await.map_err(Error::new)?.forget();
                    ACK
                }
            })
            .await;
        for number in 0..30 {
            test.put(TOPIC, item(number).with_payload(vec![0; 20 * KIB]).with_key(number.to_string())).await;
        }
        (app, gate)
    };
    let mut out = Vec::new();
    for _ in 0..8 {
        let credit = Credit {
            messages: limit.messages - out.len().min(limit.messages),
            bytes: limit.bytes.saturating_sub(out.len() * 20 * KIB),
        };
        if credit.messages == 0 || credit.bytes == 0 {
            break;
        }
        let before = out.len();
        let _nothing_more = timeout(Duration::from_secs(1), member.subscription.source.next(credit, &mut out)).await;
        assert!(out.len() - before <= credit.messages);
        // The last of them may be larger than what is left.
        assert!((out.len() - before) * 20 * KIB < credit.bytes + 20 * KIB);
    }
    assert!((4..=6).contains(&out.len()), "{} are out", out.len());
    member.done(out).await;

    // By the subscriber's own bound: more could run than may be out.
    let (app, gate) = app;
    app.begins(8).await;
    for released in 0..22 {
        assert!(app.stats().received - app.stats().finished() <= 10, "{:?}", app.stats());
        gate.add_permits(1);
        app.handles(released + 1).await;
    }
    assert!(app.probe.begun().len() <= 30);
    gate.add_permits(30);
    app.handles(30).await;
    app.stop().await;

    // And by its bound in bytes: three of 20 KiB, of which the last one may be larger than what is left.
    let app = test.start_as::<Heavy, _>("heavy", move |_| async { pending().await }).await;
    for number in 30..60 {
        test.put(TOPIC, item(number).with_payload(vec![0; 20 * KIB]).with_key(number.to_string())).await;
    }
    app.begins(1).await;
    test.quiet().await;
    let received = app.stats().received;
    app.stop().await;
    assert!((1..=3).contains(&received), "{received} are in hand");
    Proof::Held
}

pub(super) async fn c32_a_slow_key_does_not_stop_the_others_within_the_window(test: &Test<'_>) -> Proof {
    let gate = Arc::new(Semaphore::new(0));
    let inside = gate.clone();
    let app = test
        .start::<Keyed, _>(move |call| {
            let gate = inside.clone();
            async move {
                if call.id().starts_with("slow") {
                    gate.acquire().await.map_err(Error::new)?.forget();
                }
                ACK
            }
        })
        .await;
    for number in 0..3 {
        test.put(TOPIC, keyed(format!("slow-{number}"), "slow")).await;
    }
    for number in 0..40 {
        test.put(TOPIC, keyed(number, number % 7)).await;
    }
    app.handles(40).await;
    assert!(app.probe.handled().iter().all(|id| !id.starts_with("slow")));
    gate.add_permits(3);
    app.handles(43).await;
    let handled = app.stop().await.handled();
    assert_eq!((handled.len(), distinct(&handled)), (43, 43));
    assert_eq!(&handled[40..], ["slow-0", "slow-1", "slow-2"]);
    let mut again = test.join(TOPIC, GROUP).await;
    assert!(again.strays().await.is_empty());
    Proof::Held
}
