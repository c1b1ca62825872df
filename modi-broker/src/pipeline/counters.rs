//! What a subscriber has done: plain numbers in the loop, added to shared ones a batch at a time.

use crate::observe::{Limit, Seconds};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident = $metric:literal,)*) => {
        /// Shared, and read by reports.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(super) $name: AtomicU64,)*
            /// Its breaker is open.
            pub(super) degraded: AtomicBool,
            seconds: Seconds,
            /// Of the lines about its failures.
            pub(super) lines: Limit,
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

        /// The metric of each number: its name, what it says, and where it is.
        pub(crate) const COUNTED: [(&str, &str, fn(&SubscriberStats) -> u64); [$($metric),*].len()] =
            [$(($metric, concat!($($doc),+), |stats| stats.$name)),*];

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
    /// Messages that were handed out.
    received = "modi_messages_received",
    /// Messages that were handled.
    acked = "modi_messages_acked",
    /// Attempts that were made again.
    retried = "modi_attempts_retried",
    /// How often the breaker opened, because nothing succeeded any more.
    opened = "modi_breaker_opened",
    /// Messages that were rejected, or could not be decoded. They are among the dead letters or the dropped
    /// ones too.
    rejected = "modi_messages_rejected",
    /// Messages that went to the dead letters.
    dead_lettered = "modi_messages_dead_lettered",
    /// Messages that were put off: a copy of each comes again later, and is received then.
    redelivered = "modi_messages_redelivered",
    /// Messages that were handed back.
    released = "modi_messages_released",
    /// Messages whose lease a handler took and dropped without a word. They are among the released ones too.
    returned = "modi_leases_returned",
    /// Messages that were ignored on purpose.
    dropped = "modi_messages_dropped",
    /// Messages acknowledged when received whose handler was cut off by a stop.
    lost = "modi_messages_lost",
    /// Attempts that panicked.
    panics = "modi_attempts_panicked",
    /// Attempts that missed their deadline.
    timeouts = "modi_attempts_deadline_exceeded",
    /// Results that were published and confirmed.
    published = "modi_results_published",
    /// Settlements that the broker confirmed, or that need no confirmation.
    settled = "modi_settlements_confirmed",
    /// Settlements that came too late: the message comes again.
    lease_lost = "modi_settlements_lease_lost",
    /// Settlements that failed: the message may come again.
    settle_failed = "modi_settlements_failed",
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

impl Counters {
    /// How long its attempts took.
    pub(crate) fn seconds(&self) -> &Seconds {
        &self.seconds
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
