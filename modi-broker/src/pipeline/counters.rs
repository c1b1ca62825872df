//! What a subscriber has done: plain numbers in the loop, added to shared ones a batch at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)*) => {
        /// Shared, and read by reports.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(super) $name: AtomicU64,)*
            /// Its breaker is open.
            pub(super) degraded: AtomicBool,
        }

        /// The loop's own, not yet added.
        #[derive(Debug, Default)]
        pub(super) struct Local {
            $(pub(super) $name: u64,)*
        }

        impl Local {
            fn flush(&mut self, to: &Counters) {
                $(if self.$name != 0 {
                    to.$name.fetch_add(std::mem::take(&mut self.$name), Ordering::Relaxed);
                })*
            }
        }

        /// What one subscriber has done since its start.
        ///
        /// Every message that was received ends once: as `acked`, `redelivered`, `dead_lettered`, `released`,
        /// `dropped` or `lost`.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct SubscriberStats {
            /// The subscriber, as `Module::handler`.
            pub name: String,
            $($(#[doc = $doc])+ pub $name: u64,)*
            /// Nothing succeeds at this moment: it receives nothing, and probes with one message now and then. Messages
            /// stay with the broker meanwhile, and none is dead-lettered.
            pub degraded: bool,
        }

        impl SubscriberStats {
            pub(crate) fn of(name: &str, counters: &Counters) -> Self {
                Self {
                    name: name.to_owned(),
                    $($name: counters.$name.load(Ordering::Relaxed),)*
                    degraded: counters.degraded.load(Ordering::Relaxed),
                }
            }

            fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
                self.degraded |= other.degraded;
            }
        }
    };
}

counters! {
    /// Messages handed out to it.
    received,
    /// Messages that it handled.
    acked,
    /// Attempts that were made again.
    retried,
    /// How often its breaker opened, because nothing succeeded any more.
    opened,
    /// Messages that it rejected, or could not decode. They are among the dead letters or the dropped ones
    /// too.
    rejected,
    /// Messages that went to the dead letters.
    dead_lettered,
    /// Messages that were put off: a copy of each comes again later, and is received then.
    redelivered,
    /// Messages that were handed back.
    released,
    /// Messages whose lease a handler took and dropped without a word. They are among the released ones too.
    returned,
    /// Messages that it ignored on purpose.
    dropped,
    /// Messages acknowledged when received whose handler was cut off by a stop.
    lost,
    /// Attempts that panicked.
    panics,
    /// Attempts that missed their deadline.
    timeouts,
    /// Results that were published and confirmed.
    published,
    /// Settlements that the broker confirmed, or that need no confirmation.
    settled,
    /// Settlements that came too late: the message comes again.
    lease_lost,
    /// Settlements that failed: the message may come again.
    settle_failed,
}

/// What the subscribers of a broker have done: see [`Broker::report`](crate::Broker::report).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// One each, in the order of their start.
    pub subscribers: Vec<SubscriberStats>,
}

impl Report {
    /// The sum over all subscribers; its name is empty, and one that is degraded is enough.
    pub fn total(&self) -> SubscriberStats {
        let mut total = SubscriberStats::default();
        self.subscribers.iter().for_each(|subscriber| total.add(subscriber));
        total
    }
}

impl SubscriberStats {
    /// Messages that were finished, one way or the other.
    pub fn finished(&self) -> u64 {
        self.acked + self.dead_lettered + self.dropped
    }

    /// Messages that were handed out and have not ended. After a drain: what the broker will hand out again because the
    /// subscriber was ended by force.
    pub fn in_flight(&self) -> u64 {
        self.received.saturating_sub(self.finished() + self.redelivered + self.released + self.lost)
    }
}

/// The loop's own numbers, and where they go.
pub(super) struct Tally {
    pub(super) local: Local,
    shared: Arc<Counters>,
}

impl Tally {
    pub(super) fn new(shared: Arc<Counters>) -> Self {
        Self { local: Local::default(), shared }
    }

    pub(super) fn flush(&mut self) {
        self.local.flush(&self.shared);
    }
}

/// Counts what is rare, or dear anyway, without a detour over the loop.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Drop for Tally {
    /// A task that is ended by force has counted all the same.
    fn drop(&mut self) {
        self.flush();
    }
}
