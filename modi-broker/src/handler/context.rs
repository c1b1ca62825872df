//! What surrounds the payload, as arguments: the attempt, the key, the headers, the message itself.

use super::attempt::About;
use super::signal::Signal;
use crate::{Attempt, FromMessage, Headers, Message, TraceParent};
use bytes::Bytes;
use modi_core::{Error, Module};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// What surrounds the payload, and how far the attempt at it has come. Cheap to take and to clone.
///
/// **Deadline and cancellation.** A handler that is cut off, at its deadline or at the end of a drain, is dropped at its
/// next wait: nothing in it runs any more, and it need not look. What it has *spawned* goes on, and that is what
/// [`Context::cancelled`] and [`Context::is_cancelled`] are for: give it a clone of the context.
///
/// ```
/// use modi_broker::{Context, Json, Outcome};
///
/// async fn order_created(Json(id): Json<u64>, context: Context) -> Outcome {
///     if context.attempt() > 2 { Outcome::reject(format!("order {id} fails again and again")) } else { Outcome::Ack }
/// }
///
/// async fn report(context: Context) -> Result<(), tokio::task::JoinError> {
///     let computing = context.clone();
///     tokio::task::spawn_blocking(move || {
///         for page in 0..1_000 {
///             if computing.is_cancelled() {
///                 return; // nobody waits for the result
///             }
/// #           let _ = page;
///         }
///     })
///     .await
/// }
/// ```
#[derive(Clone)]
pub struct Context {
    about: Arc<About>,
    signal: Arc<Signal>,
    /// Without the payload.
    message: Message,
    attempt: u32,
    lane: u32,
    trace: Option<TraceParent>,
}

impl Context {
    /// Which attempt this is, from 1. What was released at a stop does not count, and a crash starts over.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The topic that the message came from: one of those that the subscriber's pattern matches.
    pub fn topic(&self) -> &str {
        self.message.topic().unwrap_or(&self.about.topic)
    }

    /// The group that handles it.
    pub fn group(&self) -> &str {
        &self.about.group
    }

    /// The message's scope of order: a partition, queue or stream.
    pub fn lane(&self) -> u32 {
        self.lane
    }

    /// Which span of which trace the attempt is, for the logs of other systems: the span of this attempt where somebody
    /// records it (the target `modi::handle` at the level `DEBUG`), else the one that the message came with.
    pub fn trace(&self) -> Option<TraceParent> {
        self.trace
    }

    /// The id that the publisher gave the message.
    pub fn message_id(&self) -> Option<&str> {
        self.message.id()
    }

    /// The key of the message, if it has one.
    pub fn key(&self) -> Option<&Bytes> {
        self.message.key()
    }

    /// The headers of the message.
    pub fn headers(&self) -> &Headers {
        self.message.headers()
    }

    /// When the message was published, where the publisher or the broker said so.
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.message.timestamp()
    }

    /// When the attempt is cut off. The deadline counts from its first wait, so before that it is the whole of it from
    /// now.
    pub fn deadline(&self) -> Instant {
        self.signal.ends().unwrap_or_else(|| after(Instant::now(), self.about.deadline))
    }

    /// How long the attempt may still take: for the time-outs of what it calls. Zero when it is over.
    pub fn remaining(&self) -> Duration {
        self.signal.ends().map_or(self.about.deadline, |ends| ends.saturating_duration_since(Instant::now()))
    }

    /// Whether the attempt was cut off: at its deadline, at the end of a drain, or by a panic. Never for one that has
    /// come to its own end.
    pub fn is_cancelled(&self) -> bool {
        self.signal.is_cancelled()
    }

    /// Waits until [`Context::is_cancelled`]: for ever, where the handler comes to its own end. Cancel-safe.
    pub async fn cancelled(&self) {
        self.signal.cancelled().await;
    }
}

/// A deadline beyond what a clock can tell is as good as never.
fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or_else(|| now + Duration::from_secs(1 << 31))
}

impl<M: Module> FromMessage<M> for Context {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        let trace = attempt.trace();
        let Attempt { about, message, number, lane, signals, .. } = attempt;
        let message = message.envelope();
        Ok(Self { about: (*about).clone(), signal: signals.take(), message, attempt: *number, lane: *lane, trace })
    }
}

/// The key of the message in hand, if it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key(pub Option<Bytes>);

impl Key {
    /// The key as text; `None` for none, and for bytes that are not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.0.as_ref()?).ok()
    }
}

impl<M: Module> FromMessage<M> for Key {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Ok(Self(attempt.message.key().cloned()))
    }
}

impl<M: Module> FromMessage<M> for Headers {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Ok(attempt.message.headers().clone())
    }
}

impl<M: Module> FromMessage<M> for Message {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Ok(attempt.message.clone())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context(attempt {} at a message of {} for {})", self.attempt, self.topic(), self.group())
    }
}
