//! What a message passes on to the messages that it leads to.

use crate::Message;
use crate::correlation::Chain;
use crate::observe::{Carried, TraceParent};

/// The message that led to what is published.
#[derive(Clone)]
pub(crate) struct Cause {
    chain: Chain,
    trace: Option<Carried>,
    hops: u16,
}

impl Cause {
    /// `span` is that of the attempt, if anybody wants it.
    pub(crate) fn of(message: &Message, span: Option<TraceParent>) -> Self {
        Self { chain: Chain::of(message), trace: Carried::of(message, span), hops: message.hops().saturating_add(1) }
    }

    pub(crate) fn mark(&self, message: &mut Message) {
        message.set_hops(self.hops);
        if message.chain().is_none() {
            message.set_chain(&self.chain);
        }
        if let Some(trace) = &self.trace {
            trace.mark(message.headers_mut());
        }
    }
}
