//! An outage is not a poison message: the breaker opens, keeps everything, and closes.

use crate::idle;
use crate::odd::Odd;
use crate::shop::{Probe, Shop};
use crate::side::Side;
use crate::time::pass;
use modi_broker::contract::Verdict;
use modi_broker::{AppExt, Broker, MemoryBroker, Message, Outcome, SubscriberStats, TestApp};
use modi_core::{App, Error, Module};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A dependency that may be down.
fn dependency(probe: &Probe, handler: &'static str) -> Arc<AtomicBool> {
    let is_up = Arc::new(AtomicBool::new(false));
    let reached = is_up.clone();
    probe.on(handler, move |_| {
        let is_up = reached.load(Ordering::Relaxed);
        async move {
            pass(Duration::from_millis(10)).await;
            if is_up { Ok(Outcome::Ack) } else { Err(Error::new("the stock cannot be reached")) }
        }
    });
    is_up
}

async fn put(memory: &MemoryBroker, topic: &str, numbers: std::ops::Range<u32>, keys: u32) {
    for number in numbers {
        let message = Message::json(&number).unwrap().with_key(format!("key {}", number % keys));
        memory.publish(topic, message).await.unwrap();
    }
}

fn stats<M: Module>(app: &TestApp<M>, name: &str) -> SubscriberStats {
    app.report().subscribers.into_iter().find(|stats| stats.name == name).unwrap()
}

/// The numbers in the order in which their handlers were called.
fn calls(probe: &Probe, handler: &str) -> Vec<u32> {
    let notes = probe.notes(&format!("{handler} "));
    notes.iter().map(|note| note.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}

const TEN_MINUTES: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn ten_minutes_of_a_failing_dependency_dead_letter_nothing_and_the_backlog_follows_in_order() {
    let memory = MemoryBroker::new();
    put(&memory, "judged", 0..300, 1).await;
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    let probe = app.get::<Probe>();
    let is_up = dependency(probe, "judged");
    pass(TEN_MINUTES).await;
    let during = stats(&app, "Shop::judged");
    assert!(during.degraded);
    assert_eq!((during.opened, during.dead_lettered, during.acked), (1, 0, 0));
    assert!(app.dead_letters("judged").is_empty());
    // 1, 2, 4 .. 32 seconds, then a minute each.
    let calls_while_down = calls(probe, "judged");
    assert!((20..=30).contains(&calls_while_down.len()), "{calls_while_down:?}");
    assert!(calls_while_down[10..].iter().all(|number| *number == 0), "one message probes: {calls_while_down:?}");
    assert!(memory.messages("judged").len() == 300 && during.received < 300);

    is_up.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    app.settled().await.unwrap();
    assert!(begun.elapsed() <= Duration::from_secs(70), "{:?}", begun.elapsed());
    let after = stats(&app, "Shop::judged");
    assert_eq!((after.degraded, after.acked, after.dead_lettered, after.opened), (false, 300, 0, 1));
    assert_eq!(calls(probe, "judged")[calls_while_down.len()..], (0..300).collect::<Vec<_>>());
    let last_of_first = probe.notes("judged 0 ").pop().unwrap();
    assert_eq!(last_of_first, "judged 0 attempt 1", "what failed meanwhile is not counted");
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_of_a_failing_dependency_keep_the_order_of_every_key() {
    let memory = MemoryBroker::new();
    put(&memory, "keyed", 0..100, 5).await;
    let app = TestApp::new(Side).broker(&memory).start().await.unwrap();
    let probe = app.get::<Probe>();
    let is_up = dependency(probe, "keyed");
    pass(TEN_MINUTES).await;
    let during = stats(&app, "Side::keyed");
    assert_eq!((during.degraded, during.dead_lettered, during.acked), (true, 0, 0));
    let down = calls(probe, "keyed").len();
    assert!((20..=60).contains(&down), "{down}");
    is_up.store(true, Ordering::Relaxed);
    app.settled().await.unwrap();
    let after = calls(probe, "keyed").split_off(down);
    for key in 0..5 {
        let of_key: Vec<u32> = after.iter().copied().filter(|number| number % 5 == key).collect();
        assert_eq!(of_key, (0..100).filter(|number| number % 5 == key).collect::<Vec<_>>());
    }
    let end = stats(&app, "Side::keyed");
    assert_eq!((end.degraded, end.acked, end.dead_lettered), (false, 100, 0));
}

#[tokio::test(start_paused = true)]
async fn a_single_poison_message_among_good_ones_never_opens_it_and_is_a_dead_letter() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    app.get::<Probe>().on("created", |call| async move {
        if call.number % 10 == 3 { Err(Error::new("a poison message")) } else { Ok(Outcome::Ack) }
    });
    put(&memory, "orders.created", 0..100, 1).await;
    app.settled().await.unwrap();
    let total = stats(&app, "Shop::created");
    assert_eq!((total.opened, total.dead_lettered, total.acked), (0, 10, 90));
    let letters = app.dead_letters("orders.created");
    let numbers: Vec<_> =
        letters.iter().map(|letter| (&letter.message.payload().unwrap()[..], letter.attempts)).collect();
    assert_eq!((numbers[0], numbers[9]), ((&b"3"[..], 4), (&b"93"[..], 4)));
}

#[tokio::test(start_paused = true)]
async fn a_poison_message_beside_others_is_a_dead_letter_and_its_key_goes_on() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Side).broker(&memory).start().await.unwrap();
    app.get::<Probe>().on("keyed", |call| async move {
        pass(Duration::from_millis(5)).await;
        if call.number == 3 { Err(Error::new("a poison message")) } else { Ok(Outcome::Ack) }
    });
    put(&memory, "keyed", 0..40, 4).await;
    app.settled().await.unwrap();
    let total = stats(&app, "Side::keyed");
    assert_eq!((total.opened, total.dead_lettered, total.acked), (0, 1, 39));
    assert_eq!(app.dead_letters("keyed")[0].attempts, 4);
}

#[tokio::test(start_paused = true)]
async fn a_poison_message_with_nothing_behind_it_waits_a_second_for_another_to_be_judged_by() {
    let (shop, side) = (TestApp::start(Shop).await.unwrap(), TestApp::start(Side).await.unwrap());
    let poison = |probe: &Probe, handler| probe.on(handler, |_| async { Err(Error::new("a poison message")) });
    poison(shop.get::<Probe>(), "judged");
    poison(side.get::<Probe>(), "keyed");
    let begun = Instant::now();
    shop.publish("judged", &1).await.unwrap();
    side.publish("keyed", &1).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(2) && begun.elapsed() < Duration::from_secs(3));
    assert_eq!((shop.dead_letters("judged").len(), side.dead_letters("keyed").len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn probes_that_tell_nothing_do_not_keep_the_breaker_open_for_ever() {
    for (topic, first) in [("judged", 12), ("keyed", 12)] {
        let memory = MemoryBroker::new();
        put(&memory, topic, 0..first, 12).await;
        let (shop, side);
        let (probe, broker) = if topic == "judged" {
            shop = TestApp::new(Shop).broker(&memory).start().await.unwrap();
            (shop.get::<Probe>().clone(), &shop as &dyn Reports)
        } else {
            side = TestApp::new(Side).broker(&memory).start().await.unwrap();
            (side.get::<Probe>().clone(), &side as &dyn Reports)
        };
        dependency(&probe, topic);
        pass(Duration::from_secs(30)).await;
        assert!(broker.total().degraded, "{topic}");
        // What was left of the outage is refused; what comes after it is handled.
        probe.on(topic, move |call| async move {
            if call.number < first { Err(Error::reject("too old")) } else { Ok(Outcome::Ack) }
        });
        pass(2 * TEN_MINUTES).await;
        assert_eq!((broker.total().degraded, broker.total().rejected), (true, u64::from(first)), "{topic}");
        put(&memory, topic, first..first + 5, 12).await;
        pass(TEN_MINUTES).await;
        let total = broker.total();
        assert_eq!((total.degraded, total.acked), (false, 5), "{topic}");
    }
}

trait Reports {
    fn total(&self) -> SubscriberStats;
}
impl<M: Module> Reports for TestApp<M> {
    fn total(&self) -> SubscriberStats {
        self.report().total()
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_comes_message_by_message_is_known_within_the_second_between_them() {
    let memory = MemoryBroker::new();
    let app = TestApp::new(Shop).broker(&memory).start().await.unwrap();
    let is_up = dependency(app.get::<Probe>(), "judged");
    for number in 0..20 {
        put(&memory, "judged", number..number + 1, 1).await;
        pass(Duration::from_millis(900)).await;
    }
    let during = stats(&app, "Shop::judged");
    assert_eq!((during.degraded, during.dead_lettered), (true, 0));
    is_up.store(true, Ordering::Relaxed);
    app.settled().await.unwrap();
    assert_eq!(stats(&app, "Shop::judged").acked, 20);
}

#[tokio::test(start_paused = true)]
async fn what_a_breaker_keeps_is_given_back_in_order_by_a_drain() {
    for topic in ["judged", "keyed"] {
        let memory = MemoryBroker::new();
        put(&memory, topic, 0..20, 1).await;
        let odd = Odd::new(&memory);
        let broker = Broker::new("odd", odd.clone());
        let begun = match topic {
            "judged" => {
                let app = App::new(Shop).name("g").broker(broker.clone()).start().await.unwrap();
                dependency(app.get::<Probe>(), topic);
                pass(Duration::from_secs(30)).await;
                assert!(broker.report().total().degraded);
                let begun = Instant::now();
                app.stop().await.unwrap();
                begun
            }
            _ => {
                let app = App::new(Side).name("g").broker(broker.clone()).start().await.unwrap();
                dependency(app.get::<Probe>(), topic);
                pass(Duration::from_secs(30)).await;
                assert!(broker.report().total().degraded);
                let begun = Instant::now();
                app.stop().await.unwrap();
                begun
            }
        };
        assert!(begun.elapsed() < Duration::from_millis(100), "{topic}: {:?}", begun.elapsed());
        let settled = odd.settled.lock().unwrap().clone();
        assert_eq!(settled, (0..20).map(|at| (at, Verdict::Release)).collect::<Vec<_>>(), "{topic}");
        assert_eq!(memory.messages(topic).len(), 20);
    }
    idle().await;
}
