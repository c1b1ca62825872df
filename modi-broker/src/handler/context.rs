//! What surrounds the payload, as arguments: the attempt, the key, the headers, the message itself.

use super::attempt::About;
use crate::{Attempt, FromMessage, Headers, Message, TraceParent};
use bytes::Bytes;
use modi_core::{Error, Module};
use std::fmt;
use std::sync::Arc;

/// Where a message came from and which attempt at it this is. Cheap to take and to clone.
///
/// ```
/// use modi_broker::{Context, Json, Outcome};
///
/// async fn order_created(Json(id): Json<u64>, context: Context) -> Outcome {
///     if context.attempt() > 2 { Outcome::reject(format!("order {id} fails again and again")) } else { Outcome::Ack }
/// }
/// ```
#[derive(Clone)]
pub struct Context {
    about: Arc<About>,
    attempt: u32,
    lane: u32,
    id: Option<Bytes>,
    trace: Option<TraceParent>,
}

impl Context {
    /// Which attempt this is, from 1. What was released at a stop does not count, and a crash starts over.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The topic that the message came from.
    pub fn topic(&self) -> &str {
        &self.about.topic
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
        std::str::from_utf8(self.id.as_ref()?).ok()
    }
}

impl<M: Module> FromMessage<M> for Context {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        let id = attempt.message.id_bytes().cloned();
        let trace = attempt.trace();
        Ok(Self { about: attempt.about.clone(), attempt: attempt.number, lane: attempt.lane, id, trace })
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
