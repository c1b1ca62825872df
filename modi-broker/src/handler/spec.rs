//! What is written in `#[subscriber(..)]`, as a constant.

use super::Results;
use super::words::{Ack, Errors, FailurePolicy, Order};
use crate::contract::{OrderScope, Pattern, Start};
use crate::failed::{Failed, Hook};
use crate::{Message, Outcome};
use std::time::Duration;

/// What a subscriber listens to, and how its failures are treated.
///
/// Written by `#[subscriber("orders.created", group = "orders", publish = "payments.requested", retries = 5)]`, or by
/// hand:
///
/// ```
/// use modi_broker::Spec;
///
/// const SPEC: Spec = Spec::new("orders.created").group("orders").publish("payments.requested").retries(5);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Spec {
    pub(crate) topic: &'static str,
    pub(crate) group: Option<&'static str>,
    pub(crate) results: Results,
    pub(crate) broker: Option<&'static str>,
    pub(crate) retries: Retries,
    pub(crate) deadline: Duration,
    pub(crate) ack: Ack,
    pub(crate) limit: usize,
    pub(crate) bytes: usize,
    pub(crate) concurrency: usize,
    pub(crate) order: Order,
    pub(crate) failure: FailurePolicy,
    pub(crate) on_error: Option<Hook>,
    /// The order is what the user wrote, not the default.
    pub(crate) order_is_written: bool,
    pub(crate) scope: Option<OrderScope>,
    pub(crate) tasks: usize,
    pub(crate) start: Option<Start>,
    /// Of how many messages.
    pub(crate) batch: Option<usize>,
    pub(crate) linger: Duration,
    /// `None` means as the application does.
    pub(crate) errors: Option<Errors>,
    /// So many messages in so long a time.
    pub(crate) rate: Option<(u32, Duration)>,
    pub(crate) filter: Option<fn(&Message) -> bool>,
    /// The handler takes the lease.
    pub(crate) by_hand: bool,
}

/// How often and how fast a failed message is tried again in place. While it waits, those that keep their order
/// behind it wait too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retries {
    pub(crate) limit: u32,
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
    /// What comes after those in place: copies that come again after these delays.
    pub(crate) later: &'static [Duration],
}

impl Spec {
    /// Listens to `topic`, with the defaults: the application's name as the group, 3 retries from 100 milliseconds
    /// doubling to 2 seconds, a deadline of 15 seconds, acknowledged when handled, one at a time.
    pub const fn new(topic: &'static str) -> Self {
        Self {
            topic,
            group: None,
            results: Results::None,
            broker: None,
            retries: Retries {
                limit: 3,
                first: Duration::from_millis(100),
                longest: Duration::from_secs(2),
                later: &[],
            },
            deadline: Duration::from_secs(15),
            ack: Ack::Handled,
            limit: 256,
            bytes: 8 << 20,
            concurrency: 1,
            order: Order::Lane,
            failure: FailurePolicy::DeadLetter,
            on_error: None,
            order_is_written: false,
            scope: None,
            tasks: 1,
            start: None,
            batch: None,
            linger: Duration::from_millis(50),
            errors: None,
            rate: None,
            filter: None,
            by_hand: false,
        }
    }

    /// It listens to more than one topic.
    pub(crate) fn is_pattern(&self) -> bool {
        Pattern::parse(self.topic).is_ok_and(|topic| !topic.is_topic())
    }

    /// Shares the messages with every subscriber of this group: letters, digits, `-` and `_`.
    pub const fn group(mut self, group: &'static str) -> Self {
        self.group = Some(group);
        self
    }

    /// Where the handler's results go.
    pub const fn publish(mut self, topic: &'static str) -> Self {
        self.results = self.results.and(Results::Topic(topic));
        self
    }

    /// The same with several topics: each result goes to all of them, in their order.
    pub const fn publish_all(mut self, topics: &'static [&'static str]) -> Self {
        self.results = self.results.and(Results::Topics(topics));
        self
    }

    /// The handler answers: its result goes to whoever asked, and is confirmed where the broker confirms, before the message
    /// is acknowledged. The result of a message that nobody asked with is dropped.
    pub const fn reply(mut self) -> Self {
        self.results = self.results.and(Results::Reply);
        self
    }

    /// Listens on the broker with this name instead of the default one.
    pub const fn broker(mut self, name: &'static str) -> Self {
        self.broker = Some(name);
        self
    }

    /// How often a failed message is tried again before it goes to the dead letters. While nothing succeeds at all it stays
    /// with the broker instead.
    pub const fn retries(mut self, limit: u32) -> Self {
        self.retries.limit = limit;
        self
    }

    /// The longest wait before the first retry and before any: it doubles in between, and each wait is a random part of
    /// it.
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.retries.first = first;
        self.retries.longest = longest;
        self
    }

    /// What a message does that has failed all its attempts in place: it is put off for the first of these delays, then
    /// has all its attempts in place again, is put off for the second, and so on. By default it goes to the dead letters
    /// at once.
    ///
    /// The message is put off as a copy that the broker keeps, so a delay survives a crash, and later messages do not wait
    /// for it: it loses its place in the order. Only this group gets it again. While nothing succeeds at all it stays where
    /// it is instead. An error that asks for another attempt after more than 5 seconds is put off in the same way, and
    /// takes one of [`Spec::retries`]. At-most-once brokers keep no copies: there such an error is waited for in place.
    ///
    /// ```
    /// use modi_broker::Spec;
    /// use std::time::Duration;
    ///
    /// const MINUTE: Duration = Duration::from_secs(60);
    /// const SPEC: Spec = Spec::new("orders.created").redeliver(&[MINUTE, MINUTE.saturating_mul(10)]);
    /// ```
    pub const fn redeliver(mut self, delays: &'static [Duration]) -> Self {
        self.retries.later = delays;
        self
    }

    /// What becomes of a message that cannot be handled. By default it goes to the dead letters. The policies that keep the
    /// message do not go with [`Ack::Received`], where it is gone already.
    pub const fn failure(mut self, policy: FailurePolicy) -> Self {
        self.failure = policy;
        self
    }

    /// Whether dead letters tell the error. By default as [`AppExt::errors`](crate::AppExt::errors) says, and else they do.
    pub const fn errors(mut self, errors: Errors) -> Self {
        self.errors = Some(errors);
        self
    }

    /// A function that sees every failed attempt and may choose what follows: see [`Failed`]. With `None` everything goes on
    /// as it would without the function, after the application has been asked: [`AppExt::on_error`](crate::AppExt::on_error).
    ///
    /// [`Outcome::Ack`], [`Outcome::Drop`] and [`Outcome::Release`] end the message here and now. [`Outcome::Retry`] and
    /// [`Outcome::Reject`] take the place of what the error says for itself: a rejected message can be given another
    /// attempt, and a transient error can be made final. No outcome adds attempts to those of [`Spec::retries`] and
    /// [`Spec::redeliver`]. The function runs in the subscriber's task, so it must be quick; when it panics, that is logged
    /// and it has said nothing.
    pub const fn on_error(mut self, hook: fn(&Failed<'_>) -> Option<Outcome>) -> Self {
        self.on_error = Some(hook);
        self
    }

    /// How long one attempt may take, from the first time that it waits.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// When a message is acknowledged.
    pub const fn ack(mut self, ack: Ack) -> Self {
        self.ack = ack;
        self
    }

    /// How many messages may be out at once. By default 256.
    pub const fn prefetch(mut self, messages: usize) -> Self {
        self.limit = if messages == 0 { 1 } else { messages };
        self
    }

    /// How many bytes of payload may be out at once; one message may be larger. By default 8 MiB.
    pub const fn prefetch_bytes(mut self, bytes: usize) -> Self {
        self.bytes = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// At most so many messages begin in so long a time, evenly, but for a tenth of a second that may be made up for.
    /// Attempts in place are not counted. By default as many as can.
    pub const fn rate(mut self, messages: u32, per: Duration) -> Self {
        self.rate = Some((messages, per));
        self
    }

    pub(crate) const fn with_lease(mut self, by_hand: bool) -> Self {
        self.by_hand = by_hand;
        self
    }

    /// What makes a handler one that is alone on its subscription.
    pub(crate) const fn alone(&self) -> Option<&'static str> {
        match (self.batch, self.ack, self.by_hand) {
            (Some(_), ..) => Some("handles batches"),
            (_, Ack::Received, _) => Some("has `ack = received`"),
            (.., true) => Some("takes the `Lease` of its messages"),
            _ => None,
        }
    }

    /// The first key that differs, of those that concern a whole subscription.
    pub(crate) fn differs(&self, other: &Self) -> Option<&'static str> {
        let keys = [
            ("prefetch", self.limit == other.limit),
            ("prefetch_bytes", self.bytes == other.bytes),
            ("concurrency", self.concurrency == other.concurrency),
            ("order", self.order == other.order),
            ("scope", self.scope == other.scope),
            ("tasks", self.tasks == other.tasks),
            ("start", self.start == other.start),
            ("rate", self.rate == other.rate),
        ];
        keys.into_iter().find(|(_, is_same)| !is_same).map(|(key, _)| key)
    }

    /// Only messages for which it says `true`. Several handlers of one topic and group share one subscription then, with the
    /// same keys for what concerns it (`prefetch`, `concurrency`, `order`, `rate`, ..): each message has the first of them
    /// that takes it, or the one without a filter. What nobody takes goes to the dead letters, as
    /// [`Unhandled`](crate::FailureKind::Unhandled).
    pub const fn filter(mut self, takes: fn(&Message) -> bool) -> Self {
        self.filter = Some(takes);
        self
    }

    /// How many messages are handled side by side, in one task: right for handlers that wait. By default 1. What may not
    /// overlap is said by [`Spec::order`].
    pub const fn concurrency(mut self, handlers: usize) -> Self {
        self.concurrency = if handlers == 0 { 1 } else { handlers };
        self
    }

    /// Handles at most so many messages at once: for a [`BatchHandler`](crate::BatchHandler). At least as many may be out.
    pub const fn batch(mut self, messages: usize) -> Self {
        let messages = if messages == 0 { 1 } else { messages };
        self.batch = Some(messages);
        if self.limit < messages {
            self.limit = messages;
        }
        self
    }

    /// How long the first message of a batch waits for others at most. By default 50 milliseconds.
    pub const fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// What keeps its order where several messages are handled side by side, also while one of them is tried again. By
    /// default [`Order::Lane`].
    pub const fn order(mut self, order: Order) -> Self {
        self.order = order;
        self.order_is_written = true;
        self
    }

    /// How far the order has to reach. Some brokers deal the messages of one key to several members of a group; there
    /// [`Order::Key`] is an error of the start, unless [`OrderScope::Process`] says that the order within each process is
    /// enough.
    pub const fn scope(mut self, scope: OrderScope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// How many members of the group this process is, each a task with [`Spec::concurrency`] and [`Spec::prefetch`] of its
    /// own: so handlers that compute spread over the cores. By default 1. Order is kept within each member; where the
    /// broker deals the messages of a lane or key to several members, wanting it is an error of the start.
    pub const fn tasks(mut self, tasks: usize) -> Self {
        self.tasks = if tasks == 0 { 1 } else { tasks };
        self
    }

    /// Where a group begins that is new. By default at the earliest message, where the broker keeps messages for groups to
    /// come; there [`Start::Latest`] skips them. What was written and the broker cannot do is an error of the start.
    pub const fn start(mut self, start: Start) -> Self {
        self.start = Some(start);
        self
    }
}

/// A prefix and a topic as one: what `#[subscriber(prefix = PREFIX)]` writes where one of them is a constant.
///
/// ```
/// use modi_broker::join;
///
/// const TOPIC: [u8; 14] = join("orders.", "created");
/// assert_eq!(&TOPIC, b"orders.created");
/// ```
///
/// # Panics
///
/// In a constant, as a compile error: when `N` is not the length of both.
pub const fn join<const N: usize>(prefix: &str, topic: &str) -> [u8; N] {
    let (prefix, topic) = (prefix.as_bytes(), topic.as_bytes());
    assert!(prefix.len() + topic.len() == N, "as long as both");
    let (mut joined, mut at) = ([0; N], 0);
    while at < N {
        joined[at] = if at < prefix.len() { prefix[at] } else { topic[at - prefix.len()] };
        at += 1;
    }
    joined
}
