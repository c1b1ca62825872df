//! What is asked of a broker, and what it can do.

use std::sync::Arc;
use std::time::Duration;

/// What is to be joined.
#[derive(Clone, Debug)]
pub struct SubscribeOptions {
    /// The topic, or a pattern: `{name}` stands for one part between dots, `{name..}` at the end for one or more.
    pub topic: Arc<str>,
    /// The group.
    pub group: Arc<str>,
    /// How much may be out at once.
    pub limit: Credit,
    /// Several lanes run at once, and each keeps its order: no lane may fill the window alone.
    pub by_lane: bool,
    /// Where a group begins that is new.
    pub start: Start,
}

impl SubscribeOptions {
    /// From the earliest message, with at most 256 messages and 8 MiB out at once.
    pub fn new(topic: impl Into<Arc<str>>, group: impl Into<Arc<str>>) -> Self {
        let limit = Credit { messages: 256, bytes: 8 << 20 };
        Self { topic: topic.into(), group: group.into(), limit, by_lane: false, start: Start::Earliest }
    }
}

/// How much may be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// In messages.
    pub messages: usize,
    /// In bytes of payload.
    pub bytes: usize,
}

/// Where a new group begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the oldest message that is kept.
    #[default]
    Earliest,
    /// At the next message.
    Latest,
}

/// What a subscription can do. `settle_at` and `linger` say what a settlement costs here: a memory write, or a frame.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// What is not settled comes again. Without it a message is gone once it is handed out.
    pub at_least_once: bool,
    /// Confirmed messages outlive the broker's process.
    pub durable: bool,
    /// A new group finds what was published before it.
    pub earliest: bool,
    /// A group can begin at the next message.
    pub latest: bool,
    /// [`Delivery::attempt`](super::Delivery::attempt) rises when a message comes again after a crash.
    pub counts_attempts: bool,
    /// Takes [`Verdict::RetryAfter`](super::Verdict::RetryAfter).
    pub delayed_release: bool,
    /// Takes [`Verdict::Release`](super::Verdict::Release) for one message. Without it a lane is given back as a whole, by leaving it.
    pub single_release: bool,
    /// How far order per key reaches.
    pub order_scope: OrderScope,
    /// The topic may be a pattern.
    pub patterns: bool,
    /// Settle when this many wait.
    pub settle_at: usize,
    /// Or when the pipeline had nothing to do for this long while some waited.
    pub linger: Duration,
}

/// What sending can do.
#[derive(Clone, Debug)]
pub struct Abilities {
    /// A confirmation says that the message is kept. Without it a message without a listener is gone.
    pub confirms: bool,
    /// Takes [`Outgoing::delay`](super::Outgoing::delay).
    pub delay: bool,
    /// Takes [`Outgoing::partition`](super::Outgoing::partition).
    pub partition: bool,
    /// Carries [`Publish::request`](super::Publish::request) and [`Place::Reply`](super::Place::Reply).
    pub request: bool,
    /// Carries a message without a payload as such.
    pub tombstones: bool,
    /// Keeps one of several messages with one id, within a window of its own.
    pub dedupe: bool,
    /// The largest payload, in bytes.
    pub largest: Option<usize>,
}

/// How far order per key reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderScope {
    /// Across the members of a group.
    Partition,
    /// Within one process: the broker deals one key to several members.
    Process,
}

/// What to do about topics, queues and dead-letter places that are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provision {
    /// Create them.
    #[default]
    Missing,
    /// Report them.
    Verify,
    /// Do not look.
    Off,
}

/// How something that exists differs from what is wanted.
#[derive(Clone, Debug)]
pub struct Difference {
    /// In words.
    pub what: String,
    /// It does not exist.
    pub missing: bool,
}
