//! The call of a handler, as middleware sees it.

use super::Layers;
use crate::handler::{About, Signals};
use crate::observe::{self, TraceParent};
use crate::{Attempt, Message, Publisher};
use modi_core::Module;
use std::fmt;
use std::sync::Arc;

/// The call of a handler, as a [`Middleware`](crate::Middleware) sees it: one attempt at one message, or at a
/// batch.
pub struct Call<'a> {
    message: &'a Message,
    messages: &'a [&'a Message],
    about: &'a About,
    number: u32,
    lane: u32,
    signals: &'a Signals,
    layers: Option<&'a Arc<Layers>>,
}

impl<'a> Call<'a> {
    pub(super) fn of<M: Module>(attempt: &'a Attempt<'_, M>, messages: &'a [&'a Message]) -> Self {
        let Attempt { about, number, lane, signals, layers, .. } = *attempt;
        // The attempt at a batch has no message of its own.
        let message = messages.first().copied().unwrap_or(attempt.message);
        Self { message, messages, about, number, lane, signals, layers }
    }

    /// The message in hand; of a batch the first one.
    pub fn message(&self) -> &'a Message {
        self.message
    }

    /// All messages in hand: one, or those of a batch.
    pub fn messages(&self) -> &'a [&'a Message] {
        self.messages
    }

    /// The topic that it came from.
    pub fn topic(&self) -> &'a str {
        self.message.topic().unwrap_or(&self.about.topic)
    }

    /// The group that handles it.
    pub fn group(&self) -> &'a str {
        &self.about.group
    }

    /// Whose handler it is, as `Module::handler`.
    pub fn subscriber(&self) -> &'a str {
        &self.about.name
    }

    /// Which attempt this is, from 1; of a batch, that of the first message.
    pub fn attempt(&self) -> u32 {
        self.number
    }

    /// The message's scope of order: a partition, queue or stream.
    pub fn lane(&self) -> u32 {
        self.lane
    }

    /// The span of this attempt, or, where nobody records it, the one that the message came with.
    pub fn trace(&self) -> Option<TraceParent> {
        self.signals.watch.trace().or_else(|| observe::parent(self.message))
    }

    /// The handler's own publisher: what is sent through it carries on the chain of the message in hand, and passes all
    /// middleware that stands around the handler.
    pub fn publisher(&self) -> Publisher {
        self.about.publisher.caused_by(self.message, self.signals.watch.trace()).within(self.layers)
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call(attempt {} at {:?} in {})", self.number, self.message, self.about.name)
    }
}
