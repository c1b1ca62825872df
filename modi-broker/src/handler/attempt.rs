//! One attempt at one message: what arguments are taken from.

use super::Signals;
use super::words::Errors;
use crate::failed::SharedHook;
use crate::middleware::Layers;
use crate::observe::{self, TraceParent};
use crate::{Message, Publisher};
use modi_core::{Module, Resolver};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One attempt at one message. The pipeline makes it; [`FromMessage`](crate::FromMessage) reads it.
pub struct Attempt<'a, M: Module> {
    pub(crate) resolver: Resolver<'a, M>,
    pub(crate) message: &'a Message,
    pub(crate) number: u32,
    pub(crate) lane: u32,
    pub(crate) about: &'a Arc<About>,
    pub(crate) signals: &'a Signals,
    /// `None` where nothing stands around the handler.
    pub(crate) layers: Option<&'a Arc<Layers>>,
}

/// What holds for every message of a subscriber.
pub(crate) struct About {
    /// `Module::handler`.
    pub(crate) name: String,
    pub(crate) topic: Arc<str>,
    pub(crate) group: Arc<str>,
    /// The broker's scheme.
    pub(crate) system: &'static str,
    /// Of one attempt.
    pub(crate) deadline: Duration,
    /// The application's name.
    pub(crate) service: Arc<str>,
    /// Sees failed attempts of every subscriber.
    pub(crate) on_error: Option<SharedHook>,
    /// Whether dead letters tell the error.
    pub(crate) errors: Errors,
    /// Where results go.
    pub(crate) publish: Vec<Arc<str>>,
    /// They go to whoever asked.
    pub(crate) replies: bool,
    /// Publishes to the broker that the subscriber listens on.
    pub(crate) publisher: Publisher,
}

impl<'a, M: Module> Attempt<'a, M> {
    /// Where services are taken from. What is taken before the scope is open ([`FromMessage::TO`] is `None`) finds
    /// singletons only.
    ///
    /// [`FromMessage::TO`]: crate::FromMessage::TO
    #[inline]
    pub fn resolver(&self) -> &Resolver<'a, M> {
        &self.resolver
    }

    /// The message in hand.
    #[inline]
    pub fn message(&self) -> &'a Message {
        self.message
    }

    /// Which attempt this is, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The message's scope of order.
    pub fn lane(&self) -> u32 {
        self.lane
    }

    /// The topic that it came from.
    pub fn topic(&self) -> &'a str {
        self.message.topic().unwrap_or(&self.about.topic)
    }

    /// The group that handles it.
    pub fn group(&self) -> &'a str {
        &self.about.group
    }

    /// The span of this attempt, or, where nobody records it, the one that the message came with.
    pub fn trace(&self) -> Option<TraceParent> {
        self.signals.watch.trace().or_else(|| observe::parent(self.message))
    }

    /// A publisher on the subscriber's broker, whose messages carry on the chain of the message in hand.
    pub fn publisher(&self) -> Publisher {
        self.about.publisher.caused_by(self.message, self.signals.watch.trace()).within(self.layers)
    }
}

impl<M: Module> fmt::Debug for Attempt<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attempt({} at {:?} in {})", self.number, self.message, self.about.name)
    }
}
