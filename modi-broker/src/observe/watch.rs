//! One attempt, watched: its span, if anybody wants it, and how long some of them take.

use super::carry;
use super::seconds::{Seconds, Stopwatch};
use super::trace::TraceParent;
use crate::Message;
use crate::handler::About;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::{Level, Span, debug_span, field};

/// How much a span of each attempt matters. It costs far more than the pipeline's own work, so who runs at `INFO` does
/// without; its own target switches it on alone: `info,modi::handle=debug`.
const LEVEL: Level = Level::DEBUG;
const TARGET: &str = "modi::handle";

/// How many links a span of many messages has at most.
const LINKS: usize = 128;

/// Kept from attempt to attempt and from message to message. Nearly always nobody wants the span, so it is boxed.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    open: Option<Box<Open>>,
    stopwatch: Stopwatch,
}

#[derive(Debug)]
struct Open {
    span: Span,
    trace: TraceParent,
    /// Only the task of the attempt writes it.
    is_entered: AtomicBool,
}

impl Open {
    #[cold]
    fn enter(&self) {
        if !self.is_entered.swap(true, Ordering::Relaxed) {
            self.span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
        }
    }

    #[cold]
    fn exit(&self) {
        if self.is_entered.swap(false, Ordering::Relaxed) {
            self.span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
        }
    }
}

impl Watch {
    /// Opens the span of an attempt, and enters it: the first poll follows. The next attempt at the same message belongs to
    /// the same trace.
    #[inline]
    pub(crate) fn begin<'a>(&mut self, message: &Message, attempt: u32, about: impl FnOnce() -> &'a About) {
        if LEVEL <= STATIC_MAX_LEVEL && LEVEL <= LevelFilter::current() {
            self.begin_span(message, attempt, about());
            self.enter();
        }
        self.stopwatch.begin();
    }

    /// It missed its deadline, which tells how long it took.
    #[cold]
    pub(crate) fn late(&self, seconds: &Seconds, deadline: Duration) {
        if !self.stopwatch.runs() {
            seconds.observe(deadline);
        }
    }

    /// The handler has come to an end.
    #[inline]
    pub(crate) fn handled(&mut self, seconds: &Seconds) {
        self.stopwatch.end(seconds);
    }

    /// Runs a part of the attempt in its span: one poll of the handler.
    #[inline]
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.open.as_ref().map(|open| open.span.enter());
        work()
    }

    /// Begins a poll of the attempt, which does not unwind: a guard would cost something where nobody wants the span.
    #[inline]
    pub(crate) fn enter(&self) {
        if let Some(open) = &self.open {
            open.enter();
        }
    }

    /// Whether anybody wants the span.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Ends it.
    #[inline]
    pub(crate) fn exit(&self) {
        if let Some(open) = &self.open {
            open.exit();
        }
    }

    /// The same for a future, in each of its polls. It is not moved, because that would be dearer than all else here.
    #[inline]
    pub(crate) fn run<F: Future>(&self, mut future: Pin<&mut F>) -> impl Future<Output = F::Output> {
        poll_fn(move |cx| self.within(|| future.as_mut().poll(cx)))
    }

    /// Says in the span what the attempt failed for.
    pub(crate) fn failed(&self, kind: &'static str) {
        if let Some(open) = &self.open {
            open.span.record("otel.status_code", "ERROR").record("error.type", kind);
        }
    }

    /// The message has ended, and so has the span of the last attempt at it.
    #[inline]
    pub(crate) fn close(&mut self) {
        if self.open.is_some() {
            self.end();
        }
    }

    #[cold]
    fn end(&mut self) {
        self.exit();
        self.open = None;
    }

    /// The ids of the span; `None` where nobody wants one.
    #[inline]
    pub(crate) fn trace(&self) -> Option<TraceParent> {
        self.open.as_ref().map(|open| open.trace)
    }

    #[cold]
    fn begin_span(&mut self, message: &Message, attempt: u32, about: &About) {
        self.exit();
        let parent = carry::parent(message).or(self.trace());
        let trace = parent.map_or_else(TraceParent::root, TraceParent::child);
        let topic = message.topic().unwrap_or(&about.topic);
        let span = debug_span!(
            target: TARGET,
            parent: None,
            "modi.handle",
            otel.kind = "consumer",
            otel.name = %format_args!("process {topic}"),
            messaging.system = about.system,
            messaging.operation.name = "process",
            messaging.operation.type = "process",
            messaging.destination.name = &**topic,
            messaging.consumer.group.name = &*about.group,
            messaging.message.id = message.id(),
            subscriber = about.name,
            attempt,
            trace_id = %format_args!("{:032x}", trace.trace_id()),
            span_id = %format_args!("{:016x}", trace.span_id()),
            parent_span_id = parent.map(|parent| field::display(SpanId(parent))),
            otel.status_code = field::Empty,
            error.type = field::Empty,
        );
        self.open = (!span.is_disabled()).then(|| Box::new(Open { span, trace, is_entered: AtomicBool::new(false) }));
    }

    /// Opens the span of an attempt at several messages: of a trace of its own, linked to theirs.
    pub(crate) fn begin_batch<'a>(
        &mut self,
        messages: impl Iterator<Item = &'a Message> + Clone,
        attempt: u32,
        about: &About,
    ) {
        self.stopwatch.begin();
        if LEVEL > STATIC_MAX_LEVEL || LEVEL > LevelFilter::current() {
            return;
        }
        let parent = self.trace();
        let trace = parent.map_or_else(TraceParent::root, TraceParent::child);
        let span = debug_span!(
            target: TARGET,
            parent: None,
            "modi.handle",
            otel.kind = "consumer",
            otel.name = %format_args!("process {}", about.topic),
            messaging.system = about.system,
            messaging.operation.name = "process",
            messaging.operation.type = "process",
            messaging.destination.name = &*about.topic,
            messaging.consumer.group.name = &*about.group,
            messaging.batch.message_count = messages.clone().count(),
            subscriber = about.name,
            attempt,
            trace_id = %format_args!("{:032x}", trace.trace_id()),
            span_id = %format_args!("{:016x}", trace.span_id()),
            parent_span_id = parent.map(|parent| field::display(SpanId(parent))),
            links = %Links(messages),
            otel.status_code = field::Empty,
            error.type = field::Empty,
        );
        self.open = (!span.is_disabled()).then(|| Box::new(Open { span, trace, is_entered: AtomicBool::new(false) }));
    }
}

struct SpanId(TraceParent);

impl std::fmt::Display for SpanId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0.span_id())
    }
}

/// The contexts of several messages, separated by spaces; those without one are left out.
struct Links<I>(I);

impl<'a, I: Iterator<Item = &'a Message> + Clone> std::fmt::Display for Links<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, parent) in self.0.clone().filter_map(carry::parent).take(LINKS).enumerate() {
            write!(f, "{}{parent}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::capture::Capture;
    use crate::registry::Registry;
    use crate::{Publisher, wire};
    use std::sync::Arc;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn about() -> About {
        let registry = Arc::new(Registry::new());
        let link = registry.entries().remove(0).link;
        About {
            name: "Shop::created".to_owned(),
            topic: "orders".into(),
            group: "billing".into(),
            system: "memory",
            deadline: Duration::from_secs(15),
            service: "shop".into(),
            on_error: None,
            errors: crate::handler::Errors::On,
            publish: Vec::new(),
            replies: false,
            publisher: Publisher::new(registry, link),
        }
    }

    fn traced() -> Message {
        Message::new("x").with_header(wire::TRACEPARENT, PARENT)
    }

    #[test]
    fn nobody_listens_and_there_is_no_span() {
        let (capture, _guard) = Capture::start(Level::INFO);
        let (mut watch, about) = (Watch::default(), about());
        watch.begin(&traced(), 1, || &about);
        assert_eq!((watch.trace(), capture.spans().len()), (None, 0));
    }

    #[test]
    fn a_span_says_what_is_handled_by_the_names_of_opentelemetry() {
        let (capture, _guard) = Capture::start(Level::DEBUG);
        let (mut watch, about) = (Watch::default(), about());
        watch.begin(&traced().with_id("m1").with_topic("orders.eu"), 2, || &about);
        watch.failed("panic");
        let spans = capture.spans();
        let span_id = watch.trace().map(|trace| format!("{:016x}", trace.span_id())).unwrap_or_default();
        let expected = [
            ("attempt", "2"),
            ("error.type", "panic"),
            ("messaging.consumer.group.name", "billing"),
            ("messaging.destination.name", "orders.eu"),
            ("messaging.message.id", "m1"),
            ("messaging.operation.name", "process"),
            ("messaging.operation.type", "process"),
            ("messaging.system", "memory"),
            ("otel.kind", "consumer"),
            ("otel.name", "process orders.eu"),
            ("otel.status_code", "ERROR"),
            ("parent_span_id", "b7ad6b7169203331"),
            ("span_id", &span_id),
            ("subscriber", "Shop::created"),
            ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
        ];
        assert_eq!(spans[0].fields.iter().map(|(name, value)| (*name, &**value)).collect::<Vec<_>>(), expected);
        assert!(spans[0].is_open);
        watch.close();
        assert!(!capture.spans()[0].is_open);
    }

    #[test]
    fn a_message_without_a_trace_begins_one_that_its_next_attempt_belongs_to() {
        let (capture, _guard) = Capture::start(Level::DEBUG);
        let (mut watch, about) = (Watch::default(), about());
        let mut ids = Vec::new();
        for attempt in 1..=2 {
            watch.begin(&Message::new("x"), attempt, || &about);
            ids.extend(watch.trace());
        }
        watch.close();
        watch.begin(&Message::new("y"), 1, || &about);
        ids.extend(watch.trace());
        assert_eq!(ids[0].trace_id(), ids[1].trace_id());
        assert_ne!(ids[0].span_id(), ids[1].span_id());
        assert_ne!(ids[0].trace_id(), ids[2].trace_id());
        assert_eq!(capture.spans()[0].get("parent_span_id"), "");
    }

    #[test]
    fn a_span_of_several_messages_is_linked_to_theirs_and_belongs_to_none() {
        let (capture, _guard) = Capture::start(Level::DEBUG);
        let (mut watch, about) = (Watch::default(), about());
        let other = TraceParent::root();
        let messages =
            [traced(), Message::new("y"), Message::new("z").with_header(wire::TRACEPARENT, other.to_string())];
        watch.begin_batch(messages.iter(), 1, &about);
        let span = &capture.spans()[0];
        assert_eq!(span.get("links"), format!("{PARENT} {other}"));
        assert_eq!(span.get("messaging.batch.message_count"), "3");
        assert_ne!(span.get("trace_id"), "0af7651916cd43dd8448eb211c80319c");
    }
}
