//! A subscriber of `tracing` that keeps what it is told, for tests that look at it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, Interest, set_default};
use tracing::{Event, Level, Metadata, Subscriber};

/// What one thread said while the guard lives.
#[derive(Clone)]
pub(crate) struct Capture(Arc<Mutex<Kept>>, Level);

/// Wants to hear nothing, and leaves it open whether somebody does.
struct Undecided;

impl Subscriber for Undecided {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

static TURN: Mutex<()> = Mutex::new(());

/// As long as it lives.
#[allow(dead_code, reason = "kept for its end")]
pub(crate) struct Turn(DefaultGuard, MutexGuard<'static, ()>);

#[derive(Default)]
struct Kept {
    spans: Vec<Line>,
    events: Vec<Line>,
    entered: Vec<u64>,
}

/// A span or an event.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "not every test looks at all of it")]
pub(crate) struct Line {
    pub(crate) target: &'static str,
    pub(crate) level: Level,
    pub(crate) name: &'static str,
    pub(crate) fields: BTreeMap<&'static str, String>,
    /// The span around an event, by its place.
    pub(crate) within: Option<usize>,
    pub(crate) is_open: bool,
}

impl Line {
    pub(crate) fn get(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }
}

#[allow(dead_code, reason = "not every test looks at all of it")]
impl Capture {
    /// One at a time: what a process wants to hear at all is decided for all of its threads.
    pub(crate) fn start(level: Level) -> (Self, Turn) {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Else a thread that listens to nothing may decide for all that nobody wants to hear a line.
        let _set_before = tracing::subscriber::set_global_default(Undecided);
        let capture = Self(Arc::default(), level);
        (capture.clone(), Turn(set_default(capture), turn))
    }

    /// In the order of their beginnings.
    pub(crate) fn spans(&self) -> Vec<Line> {
        self.lock().spans.clone()
    }

    pub(crate) fn events(&self) -> Vec<Line> {
        self.lock().events.clone()
    }

    /// The events with this text.
    pub(crate) fn said(&self, message: &str) -> Vec<Line> {
        self.events().into_iter().filter(|event| event.get("message") == message).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.1
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.1.into())
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let mut kept = self.lock();
        kept.spans.push(line(attributes.metadata(), fields, None));
        Id::from_u64(kept.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        self.lock().spans[place(span)].fields.extend(fields.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut kept = self.lock();
        let within = kept.entered.last().map(|id| *id as usize - 1);
        kept.events.push(line(event.metadata(), fields, within));
    }

    fn enter(&self, span: &Id) {
        self.lock().entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut kept = self.lock();
        assert_eq!(kept.entered.pop(), Some(span.into_u64()), "spans are left in the order of their entering");
    }

    fn try_close(&self, span: Id) -> bool {
        self.lock().spans[place(&span)].is_open = false;
        true
    }
}

fn place(span: &Id) -> usize {
    span.into_u64() as usize - 1
}

fn line(metadata: &'static Metadata<'static>, fields: Fields, within: Option<usize>) -> Line {
    let (target, level, name) = (metadata.target(), *metadata.level(), metadata.name());
    Line { target, level, name, fields: fields.0, within, is_open: true }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
