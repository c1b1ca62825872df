//! What is handed out, and how it is answered.

use crate::Message;
use std::time::Duration;

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

impl Delivery {
    /// Takes it out of its place without moving those behind it. What is left is nobody's.
    #[inline]
    pub(crate) const fn take(&mut self) -> Self {
        let nobodys = Self { message: Message::tombstone(), attempt: 0, lease: Lease::NOBODYS };
        std::mem::replace(self, nobodys)
    }
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

/// Which delivery it was, in the adapter's own words: what outlives its [`Lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// As [`Lease::lane`].
    pub lane: u32,
    /// As [`Lease::words`].
    pub words: [u64; 2],
}

impl Lease {
    const NOBODYS: Self = Self { lane: 0, words: [0; 2] };

    /// Takes it out of its place. What is left is nobody's.
    #[inline]
    pub(crate) const fn take(&mut self) -> Self {
        std::mem::replace(self, Self::NOBODYS)
    }

    /// Which delivery it is for.
    #[inline]
    pub const fn origin(&self) -> Origin {
        Origin { lane: self.lane, words: self.words }
    }
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
    /// It comes again after a while. Only where [`Capabilities::delayed_release`](super::Capabilities::delayed_release) is claimed.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is larger is moved by a call of its own, several times for each message.
    #[test]
    fn a_delivery_is_small_enough_to_be_moved_in_place() {
        assert!(size_of::<Delivery>() <= 128, "{} bytes", size_of::<Delivery>());
    }
}
