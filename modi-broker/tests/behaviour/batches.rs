//! Handlers of batches: how large they are, and that each message ends by itself.

use crate::idle;
use crate::shop::{Functions, Probe, Unit, own};
use crate::time::pass;
use modi_broker::{
    Attempt, BatchHandler, FailureKind, FromMessage, Json, Key, MemoryBroker, Message, Outcome, Publisher, Spec,
    Subscribes, TestApp, argument, batch_handler, misplaced,
};
use modi_core::graph::{Edge, HandlerNode, Node, order};
use modi_core::module::{Cell, Module, Owns, Provides};
use modi_core::service::{node, node_with};
use modi_core::{Error, Result, provide};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// `#[subscriber("readings", batch = 4, linger = "200ms", prefetch = 16, retries = 1)]`
async fn readings(
    numbers: Vec<Json<u32>>,
    keys: Vec<Key>,
    unit: Arc<Unit>,
    publisher: Publisher,
    probe: Arc<Probe>,
) -> Result<Vec<Outcome>> {
    let numbers: Vec<_> = numbers.into_iter().map(|Json(number)| number).collect();
    let keys: Vec<_> = keys.iter().map(|key| key.text().unwrap_or("-").to_owned()).collect();
    probe.note(format!("batch {numbers:?} {} in unit {}", keys.join(""), unit.number()));
    publisher.publish("sums", &numbers.iter().sum::<u32>()).await?;
    if probe.plays("batch") && numbers.len() > 1 {
        probe.ask("batch", numbers.len() as u32).await?;
    }
    let mut outcomes = Vec::new();
    for number in numbers {
        outcomes.push(if probe.plays("one") { probe.ask("one", number).await? } else { Outcome::Ack });
    }
    if probe.plays("short") && outcomes.len() > 1 {
        outcomes.pop();
    }
    Ok(outcomes)
}

struct Readings;

impl<M: Module> BatchHandler<M> for Readings
where
    Json<u32>: FromMessage<M>,
    Key: FromMessage<M>,
    Arc<Unit>: FromMessage<M>,
    Publisher: FromMessage<M>,
    Arc<Probe>: FromMessage<M>,
{
    const EDGES: &'static [Edge] =
        &[argument::<M, Arc<Unit>>("unit"), argument::<M, Publisher>("publisher"), argument::<M, Arc<Probe>>("probe")];
    const MISPLACED: &'static [Option<&'static str>] = &[
        misplaced::<M, Json<u32>>(true),
        misplaced::<M, Key>(true),
        misplaced::<M, Arc<Unit>>(false),
        misplaced::<M, Publisher>(false),
        misplaced::<M, Arc<Probe>>(false),
    ];
    const SPEC: Spec = Spec::new("readings").batch(4).linger(Duration::from_millis(200)).prefetch(16).retries(1);
    type Item = (Json<u32>, Key);
    type Reply = Result<Vec<Outcome>>;

    fn decode(attempt: &Attempt<'_, M>) -> Result<Self::Item> {
        Ok((FromMessage::take(attempt)?, FromMessage::take(attempt)?))
    }

    async fn call(attempt: &Attempt<'_, M>, items: Vec<Self::Item>) -> Result<Self::Reply> {
        let (numbers, keys) = items.into_iter().unzip();
        let (unit, publisher) = (FromMessage::take(attempt)?, FromMessage::take(attempt)?);
        Ok(readings(numbers, keys, unit, publisher, FromMessage::take(attempt)?).await)
    }
}

impl Subscribes<Station> for Functions {
    const HANDLERS: &'static [HandlerNode] = &[batch_handler::<Station, Readings>("readings")];
}

struct Station;

struct Cells {
    probe: Cell<Probe>,
    unit: Cell<Unit>,
    functions: Cell<Functions>,
}

own!(Station, Cells, 0 probe: Probe);
own!(Station, Cells, 1 unit: Unit);
own!(Station, Cells, 2 functions: Functions);

impl Module for Station {
    const NAME: &'static str = "Station";
    const GRAPH: &'static [Node] = &[
        node::<Self, Probe>(),
        node::<Self, Unit>(),
        node_with::<Self, Functions>(<Functions as Subscribes<Self>>::HANDLERS),
    ];
    const ORDER: &'static [usize] = &order::<3>(Self::NAME, Self::GRAPH);
    type Cells = Cells;

    fn unit() -> Option<Self> {
        Some(Self)
    }
    fn cells(self) -> Cells {
        Cells { probe: Cell::empty(), unit: Cell::empty(), functions: Cell::empty() }
    }
}

async fn start(memory: &MemoryBroker) -> TestApp<Station> {
    TestApp::new(Station).broker(memory).start().await.unwrap()
}

async fn put(memory: &MemoryBroker, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        let message = Message::json(&number).unwrap().with_key((number % 10).to_string());
        memory.publish("readings", message).await.unwrap();
    }
}

fn batches(app: &TestApp<Station>) -> Vec<String> {
    app.get::<Probe>().notes("batch")
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_handled_when_it_is_full_and_one_that_is_not_when_its_first_message_has_lingered() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    let begun = Instant::now();
    put(&memory, 1..=9).await;
    idle().await;
    assert_eq!(batches(&app), ["batch [1, 2, 3, 4] 1234 in unit 1", "batch [5, 6, 7, 8] 5678 in unit 2"]);
    assert!(begun.elapsed() < Duration::from_millis(200));
    app.settled().await.unwrap();
    assert_eq!(batches(&app)[2], "batch [9] 9 in unit 3");
    assert_eq!(begun.elapsed().as_millis(), 200);
    put(&memory, [10]).await;
    pass(Duration::from_millis(150)).await;
    put(&memory, [11]).await;
    app.settled().await.unwrap();
    assert_eq!((batches(&app).len(), begun.elapsed().as_millis()), (4, 400), "counted from the first of them");
    assert_eq!(app.published::<u32>("sums"), [10, 26, 9, 21]);
}

#[tokio::test(start_paused = true)]
async fn the_unit_of_a_batch_is_committed_once() {
    let memory = MemoryBroker::new();
    put(&memory, 1..=4).await;
    let app = start(&memory).await;
    app.settled().await.unwrap();
    assert_eq!(app.get::<Probe>().notes("unit"), ["unit 1: commit"]);
    assert_eq!(app.get::<Probe>().notes("left"), ["left unit 1"]);
}

#[tokio::test(start_paused = true)]
async fn each_message_of_a_batch_ends_by_itself() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    app.get::<Probe>().on("one", |call| async move {
        Ok(match call.number {
            1 => Outcome::reject("not one"),
            2 => Outcome::drop("nobody wants two"),
            3 => Outcome::retry(),
            _ => Outcome::Ack,
        })
    });
    put(&memory, 1..=4).await;
    app.settled().await.unwrap();
    let letters: Vec<_> =
        app.dead_letters("readings").into_iter().map(|letter| (letter.error, letter.attempts)).collect();
    let again = ("the handler asked to be called again".to_owned(), 2);
    assert_eq!(letters, [("not one".to_owned(), 1), again]);
    let total = app.report().total();
    assert_eq!((total.acked, total.dropped, total.dead_lettered), (1, 1, 2));
    assert_eq!(batches(&app), ["batch [1, 2, 3, 4] 1234 in unit 1", "batch [3] 3 in unit 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_decoded_goes_to_the_dead_letters_alone() {
    let memory = MemoryBroker::new();
    put(&memory, 1..=2).await;
    memory.publish("readings", Message::new("three")).await.unwrap();
    put(&memory, [4]).await;
    let app = start(&memory).await;
    app.settled().await.unwrap();
    assert_eq!(batches(&app), ["batch [1, 2, 4] 124 in unit 1"]);
    assert_eq!(app.dead_letters("readings").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_is_tried_message_by_message_and_only_the_bad_one_fails() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    app.get::<Probe>().on("batch", |_| async { Err(Error::new("one of them is bad")) });
    app.get::<Probe>().on("one", |call| async move {
        if call.number == 3 { Err(Error::new("three is bad")) } else { Ok(Outcome::Ack) }
    });
    put(&memory, 1..=4).await;
    app.settled().await.unwrap();
    let letters: Vec<_> =
        app.dead_letters("readings").into_iter().map(|letter| (letter.error, letter.attempts)).collect();
    assert_eq!(letters, [("three is bad".to_owned(), 2)]);
    assert_eq!(app.report().total().acked, 3);
    let tried: Vec<_> = batches(&app).iter().map(|note| note.split(']').next().unwrap().to_owned()).collect();
    assert_eq!(tried, ["batch [1, 2, 3, 4", "batch [1", "batch [2", "batch [3", "batch [4"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_deadline_are_failures_of_the_batch() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    app.get::<Probe>().on("batch", |call| async move {
        assert!(call.number != 4, "four at once");
        pass(Duration::from_secs(100)).await;
        Ok(Outcome::Ack)
    });
    put(&memory, 1..=7).await;
    app.settled().await.unwrap();
    let total = app.report().total();
    assert_eq!((total.acked, total.panics, total.timeouts), (7, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_outage_leaves_the_batches_with_the_broker() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    app.get::<Probe>().on("batch", |_| async { Err(Error::new("the database is away")) });
    app.get::<Probe>().on("one", |_| async { Err(Error::new("the database is away")) });
    put(&memory, 1..=12).await;
    pass(Duration::from_secs(600)).await;
    let total = app.report().total();
    assert!(total.degraded && total.dead_lettered == 0, "{total:?}");
    for handler in ["batch", "one"] {
        app.get::<Probe>().on(handler, |_| async { Ok(Outcome::Ack) });
    }
    app.settled().await.unwrap();
    let total = app.report().total();
    assert_eq!((total.acked, total.dead_lettered, total.degraded), (12, 0, false));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_number_of_outcomes_is_a_failure() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    app.get::<Probe>().on("short", |_| async { Ok(Outcome::Ack) });
    put(&memory, 1..=4).await;
    app.settled().await.unwrap();
    assert_eq!((batches(&app).len(), app.report().total().acked), (5, 4), "message by message");
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_the_batch_in_hand_and_gives_the_rest_back() {
    let memory = MemoryBroker::new();
    let app = start(&memory).await;
    app.get::<Probe>().on("batch", |_| async {
        pass(Duration::from_secs(2)).await;
        Ok(Outcome::Ack)
    });
    put(&memory, 1..=10).await;
    idle().await;
    app.stop().await.unwrap();
    assert_eq!(memory.messages("readings").len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_may_end_the_process_is_handled_alone_and_no_other_goes_with_it() {
    let memory = MemoryBroker::new();
    put(&memory, 1..=4).await;
    for run in 1..=11 {
        let app = start(&memory).await;
        // The process ends within the handler that has number 3 in hand.
        app.get::<Probe>().on("one", |call| async move {
            if call.number == 3 {
                std::future::pending::<()>().await;
            }
            Ok(Outcome::Ack)
        });
        pass(Duration::from_secs(1)).await;
        if run > 6 {
            assert!(
                batches(&app).iter().all(|note| !note.contains('3') || note.contains("[3]")),
                "{:?}",
                batches(&app)
            );
        }
        drop(app);
        idle().await;
    }
    let app = start(&memory).await;
    app.settled().await.unwrap();
    let letters: Vec<_> = app.dead_letters("readings").into_iter().map(|letter| letter.kind).collect();
    assert_eq!(letters, [FailureKind::Crash]);
    assert!(memory.messages("readings").is_empty());
}
