//! What an adapter implements. Everything else (decoding, deadlines, retries, dead letters, scopes) is the pipeline's.
//!
//! An adapter knows three verdicts, not the five outcomes of users: a durable retry and a rejection arrive here as
//! [`Verdict::Done`], after the pipeline's confirmed copy. So the failure path is written once.

use crate::{BrokerError, Message};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A parsed URL with its options. Making one opens nothing; the application calls it once, at its start.
#[async_trait]
pub trait Connect: Send + Sync + 'static {
    /// Opens a connection, or fails; waiting for an absent broker is the caller's business.
    async fn connect(&self) -> Result<Arc<dyn Connection>, BrokerError>;
}

/// One connected broker. The application calls it from one task at a time.
#[async_trait]
pub trait Connection: Send + Sync + 'static {
    /// Creates what is missing, alters nothing, and returns the differences.
    async fn provision(&self, wanted: &[Place], mode: Provision) -> Result<Vec<Difference>, BrokerError>;
    /// Joins the group. Capabilities come with the subscription: they depend on server, kind of queue and options.
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError>;
    /// The sending side; one is enough for all that publish.
    async fn publisher(&self) -> Result<Arc<dyn Publish>, BrokerError>;
    /// Messages that the group has not finished, where the broker can tell.
    async fn lag(&self, options: &SubscribeOptions) -> Result<Option<u64>, BrokerError>;
    /// Called last: every source was stopped and every settlement answered.
    async fn close(&self, within: Duration) -> Result<(), BrokerError>;
}

/// Two halves, so that intake and settlement never wait for each other. Dropping both gives back what is unsettled.
pub struct Subscription {
    /// What holds for this subscription.
    pub capabilities: Capabilities,
    /// Where deliveries come from.
    pub source: Box<dyn Source>,
    /// Where settlements go.
    pub settle: Arc<dyn Settle>,
    /// The lanes that were taken away.
    pub lanes: Arc<Lanes>,
}

/// The intake. The pipeline calls it from one task.
#[async_trait]
pub trait Source: Send {
    /// Waits for one delivery, then pushes what is there, at most `credit`; never more than
    /// [`SubscribeOptions::limit`] are out. Cancel-safe: a dropped call loses nothing. An error that is permanent ends
    /// the subscriber; after any other it is called again.
    async fn next(&mut self, credit: usize, into: &mut Vec<Delivery>) -> Result<(), BrokerError>;
    /// Ends intake, stays in the group, gives back what was never handed out. Settling goes on.
    async fn stop(&mut self) -> Result<(), BrokerError>;
}

/// The settling side. The pipeline makes one call at a time for a subscription.
pub trait Settle: Send + Sync {
    /// Takes all of `items`, in the order of completion, without blocking. What cannot be answered at once is a future
    /// that runs beside intake and handlers. The adapter repeats what can be repeated: its answer is final.
    fn settle(&self, items: &mut Vec<Settlement>) -> Answer<Settled>;
}

/// The sending side. Called from any task.
pub trait Publish: Send + Sync {
    /// Takes messages in the order of the calls. Never blocks, and never waits for an earlier confirmation; the answer
    /// is the confirmation. Dropping a pending answer takes nothing back.
    fn send(&self, message: Outgoing) -> Answer<Result<Receipt, BrokerError>>;
    /// Everything sent before is confirmed or failed when this is ready.
    fn flush(&self) -> BoxFuture<'static, Result<(), BrokerError>>;
}

/// No box where the answer is known at once.
pub enum Answer<T> {
    /// Known.
    Now(T),
    /// To be waited for.
    Later(BoxFuture<'static, T>),
}

impl<T> Answer<T> {
    /// Waits for it.
    pub async fn wait(self) -> T {
        match self {
            Self::Now(answer) => answer,
            Self::Later(answer) => answer.await,
        }
    }
}

/// A message that was handed out.
#[derive(Debug)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// Which handing out this is, from 1; what was released does not count.
    pub attempt: u32,
    /// The right to settle it.
    pub lease: Lease,
}

/// The right to settle one delivery: neither `Clone` nor `Copy`, so settling twice does not compile.
#[derive(Debug)]
#[must_use]
pub struct Lease {
    /// The scope of order: a partition, queue, stream or subject. Never used twice in one subscription.
    pub lane: u32,
    /// The adapter's own: offset and sequence, tag and channel, stream id, slot number.
    pub words: [u64; 2],
}

/// One answer of the pipeline.
#[derive(Debug)]
pub struct Settlement {
    /// For which delivery.
    pub lease: Lease,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// The three words of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is finished.
    Done,
    /// It comes again, and this handing out does not count.
    Release,
    /// It comes again after a while. Only where [`Capabilities::delayed_release`] is claimed.
    RetryAfter(Duration),
}

/// What settling came to.
#[derive(Debug)]
pub enum Settled {
    /// The same for all.
    All(SettleResult),
    /// One each, in the order of the items.
    Each(Vec<SettleResult>),
}

/// What settling one delivery came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleResult {
    /// The broker said so.
    Settled,
    /// The protocol has no reply.
    Sent,
    /// Noted here, committed later.
    Deferred,
    /// The lease was lost; the message comes again.
    LeaseLost,
    /// The broker cannot do this.
    Unsupported,
    /// It failed; the message may come again.
    Failed,
}

/// Lanes that were taken away. The adapter writes it, even from a callback; the pipeline reads it before each start (one
/// load while nothing is revoked) and releases what it has not started.
#[derive(Debug, Default)]
pub struct Lanes {
    any: AtomicBool,
    gone: Mutex<HashSet<u32>>,
}

impl Lanes {
    /// Takes a lane away for ever.
    pub fn revoke(&self, lane: u32) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).insert(lane);
        self.any.store(true, Ordering::Release);
    }

    /// Whether it was taken away.
    #[inline]
    pub fn is_gone(&self, lane: u32) -> bool {
        self.any.load(Ordering::Acquire) && self.look(lane)
    }

    #[cold]
    fn look(&self, lane: u32) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains(&lane)
    }
}

/// A message on its way out.
#[derive(Debug)]
pub struct Outgoing {
    /// Where to.
    pub place: Place,
    /// What.
    pub message: Message,
}

/// A place that messages are written to. What the last two are called is the adapter's business, with the prefixes
/// `dead.<group>.` and `retry.<group>.`, which patterns never match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A topic.
    Topic(Arc<str>),
    /// Where a group's dead letters go.
    Dead {
        /// The group.
        group: Arc<str>,
        /// Where they came from.
        topic: Arc<str>,
    },
    /// A delayed copy for one group.
    Retry {
        /// The group.
        group: Arc<str>,
        /// Where it came from.
        topic: Arc<str>,
        /// The delay.
        after: Duration,
    },
}

/// Where a published message ended up, as far as the broker tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Its offset or sequence number.
    pub position: Option<u64>,
}

impl Receipt {
    /// A receipt with a position.
    pub const fn at(position: u64) -> Self {
        Self { position: Some(position) }
    }
}

/// What is to be joined.
#[derive(Clone, Debug)]
pub struct SubscribeOptions {
    /// The topic.
    pub topic: Arc<str>,
    /// The group.
    pub group: Arc<str>,
    /// How many deliveries may be out at once.
    pub limit: usize,
    /// Several lanes run at once, and each keeps its order: no lane may fill the window alone.
    pub by_lane: bool,
}

/// What a subscription can do. `settle_at` and `linger` say what a settlement costs here: a memory write, or a frame.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Confirmed messages outlive the broker's process.
    pub durable: bool,
    /// Takes [`Verdict::RetryAfter`].
    pub delayed_release: bool,
    /// How far order per key reaches.
    pub order_scope: OrderScope,
    /// Settle when this many wait.
    pub settle_at: usize,
    /// Or when the pipeline had nothing to do for this long while some waited.
    pub linger: Duration,
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
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}
impl<T: fmt::Debug> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(answer) => f.debug_tuple("Now").field(answer).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(topic) => f.write_str(topic),
            Self::Dead { group, topic } => write!(f, "dead.{group}.{topic}"),
            Self::Retry { group, topic, .. } => write!(f, "retry.{group}.{topic}"),
        }
    }
}
