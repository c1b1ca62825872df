//! What is written into headers, compared with `docs/wire.md`.

use crate::odd::{Odd, size};
use crate::shop::Probe;
use crate::time::pass;
use crate::trouble::Trouble;
use modi_broker::{AppExt, Broker, DeadLetter, Errors, FailureKind, MemoryBroker, Message, TraceParent, wire};
use modi_core::{App, Error};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

const GUIDE: &str = include_str!("../../../docs/wire.md");
const CONSTANTS: &str = include_str!("../../src/wire.rs");
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A row of the table.
struct Row {
    on: &'static str,
    format: &'static str,
    most: Option<usize>,
}

/// The table, by the names of the headers.
fn table() -> BTreeMap<&'static str, Row> {
    let rows = GUIDE.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 7, "{line}");
        (cells[1].trim_matches('`'), Row { on: cells[2], format: cells[3], most: cells[4].parse().ok() })
    });
    rows.collect()
}

fn kinds() -> BTreeSet<&'static str> {
    let line = GUIDE.lines().find(|line| line.starts_with("* A *kind* is ")).unwrap();
    line.split('`').skip(1).step_by(2).collect()
}

/// Each header that Modi added has a row, is on what the row says, and has its format.
fn check(message: &Message, on: &str, expected: &[&str]) {
    let table = table();
    let added: Vec<_> = message.headers().iter().filter(|(name, _)| name.starts_with("modi-")).collect();
    assert_eq!(added.iter().map(|(name, _)| *name).collect::<Vec<_>>(), expected);
    for (name, value) in added {
        let row = &table[name];
        let value = std::str::from_utf8(value).unwrap();
        assert!(row.on == on || row.on.starts_with(&format!("{on},")), "{name} is on a {on}");
        assert!(row.most.is_none_or(|most| value.len() <= most), "{name}: {value}");
        assert!(!value.is_empty() && !value.contains(char::is_control), "{name}: {value}");
        match row.format {
            "number" => assert!(value.parse::<u32>().is_ok(), "{name}: {value}"),
            "time" => assert!(value.parse::<u64>().is_ok_and(|time| time > 1_600_000_000_000), "{name}: {value}"),
            "traceparent" => assert!(value.parse::<TraceParent>().is_ok(), "{name}: {value}"),
            "kind" => assert!(kinds().contains(value), "{name}: {value}"),
            format => assert_eq!(format, "text"),
        }
    }
}

struct Fixture {
    app: modi_core::RunningApp<Trouble>,
    odd: Odd,
    memory: MemoryBroker,
}

impl Fixture {
    async fn start(odd: Odd, change: impl FnOnce(App<Trouble>) -> App<Trouble>) -> Self {
        let app = App::new(Trouble).name("g").broker(Broker::new("odd", odd.clone()));
        Self { app: change(app).start().await.unwrap(), memory: odd.memory.clone(), odd }
    }

    async fn usual() -> Self {
        Self::start(Odd { puts_off: true, ..Odd::new(&MemoryBroker::new()) }, |app| app).await
    }

    fn fails(&self, handler: &'static str, error: impl Fn() -> Error + Send + Sync + 'static) {
        self.app.get::<Probe>().on(handler, move |_| {
            let error = error();
            async { Err(error) }
        });
    }

    async fn put(&self, topic: &str, message: &Message) {
        self.memory.publish(topic, message.clone()).await.unwrap();
        pass(Duration::from_secs(3_600)).await;
    }

    fn letter(&self, topic: &str) -> Message {
        self.memory.messages(&format!("dead.g.{topic}")).remove(0)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the stock cannot be reached")]
struct Unreachable(#[source] std::io::Error);

fn unreachable() -> Error {
    Error::new(Unreachable(std::io::Error::other("connection\nrefused")))
}

fn rich() -> Message {
    let message = Message::json(&1).unwrap().with_key("k").with_id("m-1").with_header("own", vec![0xff]);
    message.with_header(wire::TRACEPARENT, PARENT).with_header("own", "again")
}

#[test]
fn every_constant_has_a_row_and_every_row_is_a_constant() {
    let declared = CONSTANTS.split("&str = \"").skip(1).map(|rest| rest.split('"').next().unwrap());
    assert_eq!(declared.collect::<BTreeSet<_>>(), table().into_keys().collect::<BTreeSet<_>>());
}

#[test]
fn what_a_dead_letter_adds_is_bounded_by_4_kib_in_the_table_too() {
    let rows = table().into_iter().filter(|(_, row)| row.on.starts_with("dead letter"));
    let most: usize = rows.map(|(name, row)| name.len() + row.most.unwrap()).sum();
    assert!(most <= 4_096, "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_tells_everything_that_the_guide_says() {
    let fixture = Fixture::usual().await;
    fixture.fails("later", unreachable);
    fixture.put("later", &rich()).await;
    let raw = fixture.letter("later");
    check(
        &raw,
        "dead letter",
        &[
            wire::DEAD_KIND,
            wire::DEAD_ERROR,
            wire::DEAD_ERROR_TYPE,
            wire::DEAD_TOPIC,
            wire::DEAD_SOURCE,
            wire::DEAD_GROUP,
            wire::DEAD_SUBSCRIBER,
            wire::DEAD_ATTEMPTS,
            wire::DEAD_FIRST_FAILURE,
            wire::DEAD_LAST_FAILURE,
            wire::DEAD_SERVICE,
            wire::DEAD_MESSAGE_ID,
            wire::DEAD_TRACEPARENT,
        ],
    );
    let letter = DeadLetter::read(raw.clone()).unwrap();
    assert_eq!(letter.message, rich(), "payload, key, id and headers byte for byte");
    assert_eq!((letter.kind, letter.attempts), (FailureKind::Error, 6));
    assert_eq!(letter.error, "the stock cannot be reached: connection refused");
    assert_eq!(letter.error_type.as_deref(), Some("behaviour::wire::Unreachable"));
    // The original was the first message; its copies were others.
    assert_eq!((&*letter.topic, letter.source.as_deref()), ("later", Some("odd/0")));
    assert_eq!((&*letter.group, &*letter.subscriber, &*letter.service), ("g", "Trouble::later", "g"));
    assert_eq!(raw.headers().text(wire::DEAD_MESSAGE_ID), Some("m-1"));
    assert_eq!(letter.trace.map(|trace| trace.to_string()).as_deref(), Some(PARENT));
    assert!(letter.first_failure <= letter.last_failure && letter.last_failure < Some(SystemTime::now()));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_is_left_out() {
    let fixture = Fixture::start(Odd { names_no_source: true, ..Odd::new(&MemoryBroker::new()) }, |app| app).await;
    fixture.fails("judging", || Error::reject("never"));
    fixture.put("judging", &Message::json(&1).unwrap()).await;
    check(
        &fixture.letter("judging"),
        "dead letter",
        &[
            wire::DEAD_KIND,
            wire::DEAD_ERROR,
            wire::DEAD_TOPIC,
            wire::DEAD_GROUP,
            wire::DEAD_SUBSCRIBER,
            wire::DEAD_ATTEMPTS,
            wire::DEAD_FIRST_FAILURE,
            wire::DEAD_LAST_FAILURE,
            wire::DEAD_SERVICE,
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_tells_everything_that_the_guide_says() {
    let fixture = Fixture::usual().await;
    fixture.fails("later", unreachable);
    fixture.put("later", &rich()).await;
    let copies = fixture.odd.copies.lock().unwrap().clone();
    let [first, second] = &copies[..] else { panic!("{copies:?}") };
    for (copy, attempts, step) in [(&first.1, "2", "1"), (&second.1, "4", "2")] {
        check(
            copy,
            "copy",
            &[
                wire::RETRY_ATTEMPTS,
                wire::RETRY_STEP,
                wire::RETRY_FAILURES,
                wire::RETRY_FIRST_FAILURE,
                wire::RETRY_SOURCE,
            ],
        );
        let text = |name| copy.headers().text(name);
        assert_eq!((text(wire::RETRY_ATTEMPTS), text(wire::RETRY_STEP)), (Some(attempts), Some(step)));
        assert_eq!((text(wire::RETRY_FAILURES), text(wire::RETRY_SOURCE)), (Some("0"), Some("odd/0")));
        assert_eq!((copy.payload(), copy.key(), copy.id()), (rich().payload(), rich().key(), rich().id()));
    }
    let time = |message: &Message, name: &str| message.headers().text(name).map(str::to_owned);
    assert_eq!(time(&first.1, wire::RETRY_FIRST_FAILURE), time(&second.1, wire::RETRY_FIRST_FAILURE));
    assert_eq!(time(&first.1, wire::RETRY_FIRST_FAILURE), time(&fixture.letter("later"), wire::DEAD_FIRST_FAILURE));
}

#[tokio::test(start_paused = true)]
async fn errors_can_be_left_out_by_a_subscriber_and_by_the_application() {
    let memory = MemoryBroker::new;
    for (topic, errors, tells) in
        [("silent", Errors::On, false), ("judging", Errors::Off, false), ("judging", Errors::On, true)]
    {
        let fixture = Fixture::start(Odd::new(&memory()), |app| app.errors(errors)).await;
        fixture.fails(topic, || Error::reject(Unreachable(std::io::Error::other("hunter2"))));
        fixture.put(topic, &Message::json(&1).unwrap()).await;
        let letter = fixture.letter(topic);
        assert_eq!(letter.headers().get(wire::DEAD_ERROR).is_some(), tells, "{topic}");
        assert_eq!(letter.headers().get(wire::DEAD_ERROR_TYPE).is_some(), tells, "{topic}");
        assert_eq!(letter.headers().text(wire::DEAD_KIND), Some("reject"));
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_size_limit_a_dead_letter_is_written_and_one_byte_beyond_it_stops_and_says_so() {
    let rejects = || Error::reject("never");
    let message = Message::json(&1).unwrap();
    let fixture = Fixture::start(Odd::new(&MemoryBroker::new()), |app| app).await;
    fixture.fails("judging", rejects);
    fixture.put("judging", &message).await;
    let exact = size(&fixture.letter("judging"));

    let within = Fixture::start(Odd { largest: Some(exact), ..Odd::new(&MemoryBroker::new()) }, |app| app).await;
    within.fails("judging", rejects);
    within.put("judging", &message).await;
    assert_eq!(size(&within.letter("judging")), exact);
    within.app.stop().await.unwrap();

    let beyond = Fixture::start(Odd { largest: Some(exact - 1), ..Odd::new(&MemoryBroker::new()) }, |app| app).await;
    beyond.fails("judging", rejects);
    beyond.put("judging", &message).await;
    beyond.app.host().stop().stopped().await;
    let error = beyond.app.stop().await.unwrap_err();
    assert_eq!(format!("{error:#}"), "`Trouble::judging` cannot go on: too large");
    assert_eq!(beyond.memory.messages("judging").len(), 1, "the original stays");
}
