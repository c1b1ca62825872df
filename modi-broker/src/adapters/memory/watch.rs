//! What tests want to know: whether everything has settled, and whether a chain goes on for ever.

use crate::Message;
use crate::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use crate::sync::{Mutex, Notify};
use std::sync::{Arc, PoisonError};
use tokio::time::{Instant, timeout_at};

/// One for all topics. The number is exact at every moment: what a handler publishes is added before what it handled is
/// taken off.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Messages that a group with a member has not finished.
    open: AtomicI64,
    /// Keep a history, and look for chains without an end.
    recording: AtomicBool,
    /// Messages published since a test last saw that everything had settled.
    unsettled: AtomicU64,
    chain: Mutex<Option<Chain>>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Chain {
    /// The topics of the last hops before the bound.
    topics: Vec<Arc<str>>,
    over: bool,
}

/// More than a chain of messages may have.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Overrun {
    #[error("a chain of messages is longer than {HOPS} hops: it goes round through {}", names(.0))]
    Hops(Vec<Arc<str>>),
    #[error("more than {MESSAGES} messages were published, and nothing settles")]
    Messages,
}

const HOPS: u32 = 10_000;
/// As many hops before the bound tell which topics the chain goes round through.
const LAST: u32 = 100;
/// For chains that cannot be followed: through a publisher that is not an argument of a handler.
const MESSAGES: u64 = 1_000_000;

fn names(topics: &[Arc<str>]) -> String {
    topics.iter().map(|topic| format!("`{topic}`")).collect::<Vec<_>>().join(", ")
}

impl Watch {
    pub(crate) fn record(&self) {
        self.recording.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_recording(&self) -> bool {
        self.recording.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn add(&self, messages: usize) {
        self.open.fetch_add(messages as i64, Ordering::AcqRel);
    }

    #[inline]
    pub(super) fn take_off(&self, messages: usize) {
        if messages > 0 && self.open.fetch_sub(messages as i64, Ordering::AcqRel) == messages as i64 {
            self.changed.notify_waiters();
        }
    }

    #[cold]
    pub(super) fn published(&self, topic: &Arc<str>, message: &Message) {
        let hops = u32::from(message.hops());
        if hops + LAST > HOPS {
            let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
            let chain = chain.get_or_insert_default();
            if !chain.topics.contains(topic) {
                chain.topics.push(topic.clone());
            }
            chain.over |= hops > HOPS;
        }
        if self.unsettled.fetch_add(1, Ordering::Relaxed) >= MESSAGES || hops > HOPS {
            self.changed.notify_waiters();
        }
    }

    /// Something is scheduled: whoever waits until everything has settled has to know when.
    pub(super) fn look_again(&self) {
        self.changed.notify_waiters();
    }

    /// Waits until every message of a group with a member is finished, and nothing is scheduled. Nobody else may be there
    /// to let in what is: `pump` does, and says when the next is due.
    pub(super) async fn settled(&self, pump: impl Fn() -> Option<Instant>) -> Result<(), Overrun> {
        loop {
            let changed = self.changed.notified();
            let due = pump();
            {
                let chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(chain) = chain.as_ref().filter(|chain| chain.over) {
                    return Err(Overrun::Hops(chain.topics.clone()));
                }
            }
            if self.open.load(Ordering::Acquire) == 0 {
                self.unsettled.store(0, Ordering::Relaxed);
                return Ok(());
            }
            if self.unsettled.load(Ordering::Relaxed) > MESSAGES {
                return Err(Overrun::Messages);
            }
            match due {
                None => changed.await,
                // Either is a reason to look again.
                Some(due) => timeout_at(due, changed).await.unwrap_or(()),
            }
        }
    }
}
