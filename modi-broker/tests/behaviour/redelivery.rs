//! Messages that are put off: copies that come again later.

use crate::odd::Odd;
use crate::shop::{Call, Probe};
use crate::time::pass;
use crate::trouble::Trouble;
use modi_broker::{AppExt, Broker, BrokerErrorKind, DeadLetter, MemoryBroker, Message, Outcome, SubscriberStats};
use modi_core::{App, Error, RunningApp};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// An application on a broker that keeps copies.
struct Fixture {
    app: RunningApp<Trouble>,
    broker: Broker,
    odd: Odd,
    memory: MemoryBroker,
}

impl Fixture {
    async fn start() -> Self {
        Self::with(|odd| odd).await
    }

    async fn with(change: impl FnOnce(Odd) -> Odd) -> Self {
        let memory = MemoryBroker::new();
        let odd = change(Odd { puts_off: true, ..Odd::new(&memory) });
        let broker = Broker::new("odd", odd.clone());
        let app = App::new(Trouble).name("g").broker(broker.clone()).start().await.unwrap();
        Self { app, broker, odd, memory }
    }

    fn probe(&self) -> &Probe {
        self.app.get::<Probe>()
    }

    /// Every call fails; the moments of the calls, in seconds since now.
    fn fails(&self, handler: &'static str, error: impl Fn(Call) -> Error + Send + Sync + 'static) -> Moments {
        let (begun, moments) = (Instant::now(), Moments::default());
        let noted = moments.clone();
        self.probe().on(handler, move |call| {
            noted.lock().unwrap().push(begun.elapsed().as_secs_f64());
            let error = error(call);
            async { Err(error) }
        });
        moments
    }

    async fn put(&self, topic: &str, message: Message) {
        self.memory.publish(topic, message).await.unwrap();
    }

    fn letters(&self, topic: &str) -> Vec<DeadLetter> {
        self.memory.messages(&format!("dead.g.{topic}")).into_iter().filter_map(DeadLetter::read).collect()
    }

    fn total(&self) -> SubscriberStats {
        self.broker.report().total()
    }
}

type Moments = Arc<Mutex<Vec<f64>>>;

fn poison(_: Call) -> Error {
    Error::new("a poison message")
}

fn one() -> Message {
    Message::json(&1).unwrap()
}

#[tokio::test(start_paused = true)]
async fn after_its_retries_a_message_is_put_off_for_each_delay_and_is_then_a_dead_letter() {
    let fixture = Fixture::start().await;
    let moments = fixture.fails("later", poison);
    let message = one().with_key("k").with_id("m-1").with_header("own", vec![0xff]).with_header("own", "2");
    let wall = SystemTime::now();
    fixture.put("later", message.clone()).await;
    pass(HOUR).await;
    let moments = moments.lock().unwrap().clone();
    let [_, second, third, fourth, fifth, sixth] = moments[..] else { panic!("{moments:?}") };
    // The delay counts from the failure, also while others are waited for that may tell whether it is an outage.
    assert!(second <= 0.1 && (60.0..60.2).contains(&(third - second)), "{moments:?}");
    assert!((600.0..600.2).contains(&(fifth - fourth)) && sixth - fifth <= 0.1, "{moments:?}");

    let notes = fixture.probe().notes("later");
    assert_eq!(notes, (1..=6).map(|attempt| format!("later 1 attempt {attempt}")).collect::<Vec<_>>());
    assert!(fixture.probe().notes("headers").iter().all(|note| note == "headers of 1: own own"));
    let letters = fixture.letters("later");
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((letter.attempts, &letter.message), (6, &message));
    assert!(letter.first_failure.unwrap() < wall + MINUTE && letter.first_failure <= letter.last_failure);
    let total = fixture.total();
    assert_eq!((total.received, total.redelivered, total.dead_lettered, total.in_flight()), (3, 2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_put_off_and_succeeds_is_done() {
    let fixture = Fixture::start().await;
    fixture
        .probe()
        .on("later", |call| async move { if call.attempt <= 2 { Err(poison(call)) } else { Ok(Outcome::Ack) } });
    fixture.put("later", one()).await;
    pass(HOUR).await;
    let total = fixture.total();
    assert_eq!((total.redelivered, total.acked, total.dead_lettered), (1, 1, 0));
    assert!(fixture.memory.messages("later").is_empty());
}

#[tokio::test(start_paused = true)]
async fn messages_behind_one_that_is_put_off_do_not_wait_for_it() {
    for topic in ["later", "aside"] {
        let fixture = Fixture::start().await;
        fixture
            .probe()
            .on(topic, |call| async move { if call.number == 1 { Err(poison(call)) } else { Ok(Outcome::Ack) } });
        for number in 1..=50 {
            fixture.put(topic, Message::json(&number).unwrap().with_key("one")).await;
        }
        pass(Duration::from_secs(1)).await;
        let total = fixture.total();
        assert_eq!((total.acked, total.redelivered), (49, 1), "{topic}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_asks_for_a_long_wait_is_put_off_and_takes_one_retry() {
    let fixture = Fixture::start().await;
    let moments = fixture.fails("later", |call| match call.attempt {
        1 => Error::retry_after(Duration::from_secs(30), "too many requests"),
        // Longer than the delay of the step.
        2 => Error::retry_after(Duration::from_secs(90), "too many requests"),
        _ => Error::reject("enough"),
    });
    fixture.put("later", one()).await;
    pass(HOUR).await;
    let moments = moments.lock().unwrap().clone();
    let [_, second, third] = moments[..] else { panic!("{moments:?}") };
    assert!((30.0..30.1).contains(&second) && (90.0..90.1).contains(&(third - second)), "{moments:?}");
    assert_eq!(fixture.letters("later")[0].attempts, 3);
    assert_eq!(fixture.total().retried, 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_asks_for_a_short_wait_is_waited_for_in_place() {
    let fixture = Fixture::start().await;
    let moments = fixture.fails("later", |call| match call.attempt {
        1 => Error::retry_after(Duration::from_secs(5), "busy"),
        _ => Error::reject("enough"),
    });
    fixture.put("later", one()).await;
    pass(HOUR).await;
    assert!((5.0..5.1).contains(&moments.lock().unwrap()[1]));
    assert_eq!((fixture.total().redelivered, fixture.total().retried), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_when_received_is_put_off_too() {
    let fixture = Fixture::start().await;
    let moments = fixture.fails("taken", poison);
    fixture.put("taken", one()).await;
    pass(HOUR).await;
    assert_eq!(moments.lock().unwrap().len(), 2);
    assert!((60.0..60.1).contains(&moments.lock().unwrap()[1]));
    assert_eq!((fixture.letters("taken").len(), fixture.total().redelivered), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_outage_fills_neither_the_dead_letters_nor_the_place_of_copies() {
    for topic in ["later", "aside"] {
        let fixture = Fixture::start().await;
        let is_up = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let reached = is_up.clone();
        fixture.probe().on(topic, move |call| {
            let is_up = reached.load(std::sync::atomic::Ordering::Relaxed);
            async move { if is_up { Ok(Outcome::Ack) } else { Err(poison(call)) } }
        });
        for number in 0..100 {
            fixture.put(topic, Message::json(&number).unwrap().with_key(format!("{}", number % 7))).await;
        }
        pass(HOUR).await;
        assert!(fixture.total().degraded && fixture.odd.copies.lock().unwrap().is_empty(), "{topic}");
        is_up.store(true, std::sync::atomic::Ordering::Relaxed);
        pass(HOUR).await;
        let total = fixture.total();
        assert_eq!((total.acked, total.redelivered, total.dead_lettered), (100, 0, 0), "{topic}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_original_stays_until_its_copy_is_written() {
    let fixture = Fixture::start().await;
    fixture.fails("later", poison);
    *fixture.odd.refuses.lock().unwrap() = vec![BrokerErrorKind::Unavailable; 4];
    fixture.put("later", one()).await;
    let begun = Instant::now();
    while fixture.odd.copies.lock().unwrap().is_empty() {
        assert_eq!(fixture.memory.messages("later").len(), 1);
        pass(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(1) && begun.elapsed() < MINUTE);
    let after = fixture.odd.copies.lock().unwrap()[0].0;
    assert!(after + begun.elapsed() >= MINUTE && after < MINUTE, "what was waited for the broker counts: {after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_can_never_be_written_is_a_dead_letter_instead() {
    let fixture = Fixture::start().await;
    fixture.fails("later", poison);
    *fixture.odd.refuses.lock().unwrap() = vec![BrokerErrorKind::TooLarge];
    fixture.put("later", one()).await;
    pass(MINUTE / 2).await;
    assert_eq!(fixture.letters("later")[0].attempts, 2);
    assert_eq!(fixture.total().redelivered, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_written_at_a_stop_stays_with_the_broker() {
    let fixture = Fixture::start().await;
    fixture.fails("later", poison);
    *fixture.odd.refuses.lock().unwrap() = vec![BrokerErrorKind::Unavailable; 1_000];
    fixture.put("later", one()).await;
    pass(MINUTE).await;
    fixture.app.stop().await.unwrap();
    assert_eq!(fixture.memory.messages("later").len(), 1);
}
