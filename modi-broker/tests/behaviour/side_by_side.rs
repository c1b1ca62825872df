//! Several messages at a time: what overlaps, what keeps its order, how much is out, and how it stops.

use crate::idle;
use crate::odd::Odd;
use crate::shop::Probe;
use crate::side::Side;
use crate::time::pass;
use modi_broker::contract::Verdict;
use modi_broker::{AppExt, Broker, FailureKind, MemoryBroker, Message, Outcome, TestApp};
use modi_core::{App, Error};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// The key is the number's remainder.
async fn put(memory: &MemoryBroker, topic: &str, numbers: std::ops::Range<u32>, keys: u32) {
    for number in numbers {
        let message = Message::json(&number).unwrap().with_key(format!("key {}", number % keys));
        memory.publish(topic, message).await.unwrap();
    }
}

async fn start(memory: &MemoryBroker) -> TestApp<Side> {
    TestApp::new(Side).broker(memory).start().await.unwrap()
}

/// Each call waits as long as this says.
fn takes(app: &TestApp<Side>, handler: &'static str, millis: impl Fn(u32) -> u64 + Send + Sync + 'static) {
    app.get::<Probe>().on(handler, move |call| {
        let wait = Duration::from_millis(millis(call.number));
        async move {
            pass(wait).await;
            Ok(Outcome::Ack)
        }
    });
}

/// The numbers in the order of their beginning and of their end, and how many ran at once at the most.
fn story(app: &TestApp<Side>, handler: &str) -> (Vec<u32>, Vec<u32>, usize) {
    let (mut begun, mut ended, mut most) = (Vec::new(), Vec::new(), 0);
    for note in app.get::<Probe>().notes("") {
        let words: Vec<_> = note.split(' ').collect();
        match words[..] {
            ["end", of, number] if of == handler => ended.push(number.parse().unwrap()),
            [of, number, "attempt", _] if of == handler => begun.push(number.parse().unwrap()),
            _ => {}
        }
        most = most.max(begun.len() - ended.len());
    }
    (begun, ended, most)
}

fn of_key(numbers: &[u32], keys: u32, key: u32) -> Vec<u32> {
    numbers.iter().copied().filter(|number| number % keys == key).collect()
}

#[tokio::test(start_paused = true)]
async fn three_keys_in_eight_slots_keep_their_order_and_overlap() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    // As if at random, and the same in each run.
    takes(&app, "keyed", |number| u64::from(number.wrapping_mul(2_654_435_761) >> 22));
    put(&memory, "keyed", 0..200, 3).await;
    app.settled().await.unwrap();
    let (begun, ended, most) = story(&app, "keyed");
    for key in 0..3 {
        let wanted: Vec<u32> = (0..200).filter(|number| number % 3 == key).collect();
        assert_eq!(of_key(&begun, 3, key), wanted);
        assert_eq!(of_key(&ended, 3, key), wanted);
    }
    assert_eq!(most, 3, "one of each key");
    assert_ne!(begun, ended, "keys overtake each other");
    assert_eq!(app.report().total().acked, 200);
}

#[tokio::test(start_paused = true)]
async fn different_keys_overlap_up_to_the_number_of_slots() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    takes(&app, "keyed", |_| 1_000);
    let begun = Instant::now();
    put(&memory, "keyed", 0..24, 24).await;
    app.settled().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 3);
    assert_eq!(story(&app, "keyed").2, 8);
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_lane_do_not_overlap_unless_that_is_said() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    takes(&app, "laned", |_| 1_000);
    takes(&app, "free", |number| 1_000 - u64::from(number));
    put(&memory, "laned", 0..4, 4).await;
    put(&memory, "free", 0..4, 1).await;
    app.settled().await.unwrap();
    assert_eq!(story(&app, "laned"), ((0..4).collect(), (0..4).collect(), 1));
    assert_eq!(story(&app, "free"), ((0..4).collect(), (0..4).rev().collect(), 4));
}

#[tokio::test(start_paused = true)]
async fn messages_without_a_key_keep_the_order_of_their_lane() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    takes(&app, "keyed", |_| 10);
    for number in 0..5 {
        memory.publish("keyed", Message::json(&number).unwrap()).await.unwrap();
    }
    app.settled().await.unwrap();
    assert_eq!(story(&app, "keyed"), ((0..5).collect(), (0..5).collect(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_key_does_not_stop_the_others_within_the_window() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    takes(&app, "keyed", |number| if number % 20 == 0 { 10_000 } else { 10 });
    let begun = Instant::now();
    // Three of the slow key are in each window of 32.
    put(&memory, "keyed", 0..60, 20).await;
    while app.report().total().acked < 57 {
        pass(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(app.report().total().in_flight(), 3);
    app.settled().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_out_than_the_prefetch_and_no_more_runs_than_there_are_slots() {
    let memory = MemoryBroker::new();
    put(&memory, "keyed", 0..500, 50).await;
    let odd = Odd { settles_slowly: true, ..Odd::new(&memory) };
    let app = App::new(Side).name("side").broker(Broker::new("odd", odd.clone())).start().await.unwrap();
    let probe = app.get::<Probe>().clone();
    let running = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (most, counter) = (std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0)), running.clone());
    let seen = most.clone();
    probe.on("keyed", move |call| {
        let (running, seen) = (counter.clone(), seen.clone());
        async move {
            seen.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            pass(Duration::from_millis(u64::from(call.number % 7) * 30)).await;
            running.fetch_sub(1, Ordering::Relaxed);
            Ok(Outcome::Ack)
        }
    });
    while !memory.messages("keyed").is_empty() {
        pass(Duration::from_secs(1)).await;
    }
    assert_eq!(most.load(Ordering::Relaxed), 8);
    assert_eq!(odd.most.load(Ordering::Relaxed), 32);
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_that_waits_for_its_next_attempt_keeps_its_successors_waiting_and_no_others() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    app.get::<Probe>().on("keyed", |call| async move {
        let fails = call.number == 0 && call.attempt < 4;
        if fails { Err(Error::retry_after(Duration::from_secs(5), Error::new("not yet"))) } else { Ok(Outcome::Ack) }
    });
    put(&memory, "keyed", 0..12, 4).await;
    pass(Duration::from_secs(4)).await;
    let (begun, _, _) = story(&app, "keyed");
    assert_eq!(of_key(&begun, 4, 0), [0]);
    assert_eq!(begun.len(), 10, "all of the other keys");
    app.settled().await.unwrap();
    let (begun, ended, _) = story(&app, "keyed");
    assert_eq!(of_key(&begun, 4, 0), [0, 0, 0, 0, 4, 8]);
    assert_eq!(of_key(&ended, 4, 0), [0, 0, 0, 0, 4, 8]);
    assert_eq!((app.report().total().retried, app.report().total().acked), (3, 12));
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_runs_and_gives_back_the_rest_in_order_for_the_next_application() {
    let memory = MemoryBroker::new();
    put(&memory, "keyed", 0..30, 10).await;
    let odd = Odd::new(&memory);
    let app = App::new(Side).name("side").broker(Broker::new("odd", odd.clone())).start().await.unwrap();
    let probe = app.get::<Probe>().clone();
    probe.on("keyed", |call| async move {
        if call.number == 1 {
            return Err(Error::retry_after(Duration::from_secs(5), Error::new("not yet")));
        }
        pass(Duration::from_secs(10)).await;
        Ok(Outcome::Ack)
    });
    idle().await;
    let begun = Instant::now();
    app.stop().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 9);
    let settled = odd.settled.lock().unwrap().clone();
    let of = |verdict| settled.iter().filter(move |(_, other)| *other == verdict).map(|(at, _)| *at as u32);
    assert_eq!(of(Verdict::Done).collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6, 7]);
    let released: Vec<u32> = of(Verdict::Release).collect();
    assert_eq!(released.len(), 23);
    for key in 0..10 {
        let of_key = of_key(&released, 10, key);
        assert!(of_key.is_sorted(), "{of_key:?}");
    }
    let at = |number: u64| settled.iter().position(|(other, _)| *other == number).unwrap();
    assert!(at(10) > at(0), "no member gets the successor of what runs");

    let app = TestApp::new(Side).configure(|app| app.name("side")).broker(&memory).start().await.unwrap();
    app.settled().await.unwrap();
    let (begun, _, _) = story(&app, "keyed");
    assert_eq!(begun.len(), 23);
    for key in 0..10 {
        let wanted = [key, key + 10, key + 20].into_iter().filter(|number| released.contains(number));
        assert_eq!(of_key(&begun, 10, key), wanted.collect::<Vec<_>>());
    }
    assert!(app.get::<Probe>().notes("keyed").iter().all(|note| note.ends_with("attempt 1")), "none of it counted");
}

#[tokio::test(start_paused = true)]
async fn at_the_drain_deadline_the_slots_are_cut_and_everything_is_given_back() {
    let memory = MemoryBroker::new();
    let deadline = Duration::from_secs(2);
    let setup = TestApp::new(Side).broker(&memory).configure(|app| app.drain_deadline(deadline));
    let app = setup.start().await.unwrap();
    takes(&app, "keyed", |number| if number == 3 { 1_000 } else { 10_000 });
    put(&memory, "keyed", 0..30, 10).await;
    idle().await;
    let (begun, broker) = (Instant::now(), app.report());
    assert_eq!(broker.total().in_flight(), 30);
    app.stop().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 2);
    let app = start(&memory).await;
    app.settled().await.unwrap();
    let (mut begun, _, _) = story(&app, "keyed");
    begun.sort_unstable();
    assert_eq!(begun, (0..30).filter(|number| *number != 3).collect::<Vec<_>>());
    assert!(app.get::<Probe>().notes("keyed").iter().all(|note| note.ends_with("attempt 1")));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_confirmation_holds_no_slot() {
    let memory = MemoryBroker::new();
    put(&memory, "paid", 0..8, 8).await;
    let odd = Odd { confirms_slowly: true, ..Odd::new(&memory) };
    let broker = Broker::new("odd", odd.clone());
    let app = App::new(Side).name("side").broker(broker.clone()).start().await.unwrap();
    idle().await;
    assert_eq!(app.get::<Probe>().notes("paid").len(), 8, "four slots");
    assert_eq!(memory.messages("receipts").len(), 8);
    assert!(odd.settled.lock().unwrap().is_empty(), "sent, not confirmed, so not acknowledged");
    pass(Duration::from_millis(1_010)).await;
    assert_eq!((broker.report().total().published, odd.settled.lock().unwrap().len()), (8, 8));
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_deadline_cost_their_own_message_and_no_other() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    app.get::<Probe>().on("free", |call| async move {
        pass(Duration::from_secs(u64::from(call.number))).await;
        match call.number {
            1 => panic!("one is too few"),
            2 => std::future::pending().await,
            _ => Ok(Outcome::Ack),
        }
    });
    put(&memory, "free", 0..8, 8).await;
    app.settled().await.unwrap();
    let mut kinds: Vec<_> = app.dead_letters("free").into_iter().map(|letter| (letter.kind, letter.attempts)).collect();
    kinds.sort_unstable_by_key(|(kind, _)| kind.as_str());
    assert_eq!(kinds, [(FailureKind::Deadline, 4), (FailureKind::Panic, 4)]);
    let total = app.report().total();
    assert_eq!((total.acked, total.panics, total.timeouts), (6, 4, 4));
}

#[tokio::test(start_paused = true)]
async fn deadlines_of_slots_that_began_at_different_times_are_all_kept() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    app.get::<Probe>().on("free", |call| async move {
        // The last attempt of each does not wait.
        if call.attempt == 1 { std::future::pending().await } else { Ok(Outcome::Ack) }
    });
    let begun = Instant::now();
    for number in 0..4 {
        put(&memory, "free", number..number + 1, 4).await;
        pass(Duration::from_secs(3)).await;
    }
    let mut ends = HashMap::new();
    while ends.len() < 4 {
        for number in story(&app, "free").1 {
            ends.entry(number).or_insert(begun.elapsed());
        }
        pass(Duration::from_millis(10)).await;
    }
    for (number, end) in ends {
        let wanted = Duration::from_secs(u64::from(number) * 3 + 15);
        assert!(end >= wanted && end < wanted + Duration::from_millis(200), "{number}: {end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_acknowledged_when_received_is_gone_before_any_slot_begins_it() {
    let memory = MemoryBroker::new();
    put(&memory, "hurried", 0..6, 6).await;
    let odd = Odd { settles_slowly: true, ..Odd::new(&memory) };
    let broker = Broker::new("odd", odd.clone());
    let app = App::new(Side).name("side").broker(broker.clone()).start().await.unwrap();
    let probe = app.get::<Probe>().clone();
    let held = memory.clone();
    probe.on("hurried", move |call| {
        assert!(!held.messages("hurried").iter().any(|left| *left.payload().unwrap() == call.number.to_string()));
        async { Ok(Outcome::Ack) }
    });
    pass(Duration::from_millis(500)).await;
    assert!(probe.notes("hurried").is_empty());
    pass(Duration::from_secs(20)).await;
    let total = broker.report().total();
    assert_eq!((probe.notes("hurried").len(), total.acked, total.settled, total.panics), (6, 6, 6, 0));
    app.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn messages_begin_at_the_rate_that_is_written_and_a_stop_does_not_wait_for_it() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    let begun = Instant::now();
    put(&memory, "paced", 0..20, 20).await;
    pass(Duration::from_millis(1_050)).await;
    let started = |handler| app.get::<Probe>().notes(&format!("{handler} ")).len();
    assert_eq!((started("paced"), started("wide")), (11, 11), "one at once, then ten in a second");
    app.settled().await.unwrap();
    assert_eq!(begun.elapsed().as_millis() / 10, 190);
    put(&memory, "paced", 0..20, 20).await;
    let before = Instant::now();
    app.stop().await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 0);
}
