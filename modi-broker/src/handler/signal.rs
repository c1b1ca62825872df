//! What reaches a handler's context from outside while it runs: its deadline and its cancellation.

use super::lease::{Left, Ticket};
use crate::observe::Watch;
use crate::sync::Notify;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::time::Instant;

/// What the contexts of one attempt share.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    /// Known from the first wait on.
    ends: OnceLock<Instant>,
    is_cancelled: AtomicBool,
    cancelled: Notify,
}

impl Signal {
    pub(super) fn ends(&self) -> Option<Instant> {
        self.ends.get().copied()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    pub(super) async fn cancelled(&self) {
        // Asked for before the look, so that nothing is missed in between.
        let cancelled = self.cancelled.notified();
        if !self.is_cancelled() {
            cancelled.await;
        }
    }

    fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
        self.cancelled.notify_waiters();
    }
}

/// The signal of the attempt in hand, made when a context is taken, and used again where nobody has kept it.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    signal: OnceLock<Arc<Signal>>,
    /// For a handler that settles by hand.
    ticket: Option<Arc<Ticket>>,
    /// Its span.
    pub(crate) watch: Watch,
}

impl Signals {
    pub(super) fn take(&self) -> Arc<Signal> {
        self.signal.get_or_init(Arc::default).clone()
    }

    pub(super) fn ticket(&self) -> Option<&Arc<Ticket>> {
        self.ticket.as_ref()
    }

    /// The lease of the message in hand can be taken.
    pub(crate) fn hold(&mut self, ticket: Arc<Ticket>) {
        self.ticket = Some(ticket);
    }

    /// The lease is free again, for another attempt.
    pub(crate) fn renew(&mut self) {
        if let Some(ticket) = &mut self.ticket {
            *ticket = ticket.renew();
        }
    }

    /// Where the lease is after the attempt, and its number.
    pub(crate) fn lease(&self, succeeded: bool) -> Left {
        self.ticket.as_ref().map_or(Left::Free, |ticket| ticket.ended(succeeded))
    }

    /// The number of the lease of the message in hand, which has ended.
    pub(crate) fn let_go(&mut self) -> Option<u64> {
        self.ticket.take().map(|ticket| ticket.id)
    }

    /// The attempt waits for the first time.
    pub(crate) fn waits(&self, ends: impl FnOnce() -> Instant) {
        if let Some(signal) = self.signal.get() {
            // One attempt has one first wait.
            let _known = signal.ends.set(ends());
        }
    }

    /// The attempt is over.
    #[inline]
    pub(crate) fn end(&mut self, is_cut_off: impl FnOnce() -> bool) {
        let Some(signal) = self.signal.get_mut() else { return };
        match Arc::get_mut(signal) {
            Some(free) => free.ends = OnceLock::new(),
            None => self.leave(is_cut_off()),
        }
    }

    #[cold]
    fn leave(&mut self, is_cut_off: bool) {
        if let Some(signal) = self.signal.take()
            && is_cut_off
        {
            signal.cancel();
        }
    }
}

/// Dropped within an attempt: the subscriber itself was.
impl Drop for Signals {
    fn drop(&mut self) {
        self.leave(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_is_used_again_only_when_nobody_has_kept_it() {
        let mut signals = Signals::default();
        let address = Arc::as_ptr(&signals.take());
        signals.waits(Instant::now);
        signals.end(|| true);
        let kept = signals.take();
        assert_eq!((Arc::as_ptr(&kept), kept.ends(), kept.is_cancelled()), (address, None, false));
        signals.end(|| true);
        kept.cancelled().await;
        assert!(!signals.take().is_cancelled(), "the next attempt is another one");
    }

    #[test]
    fn what_has_ended_by_itself_is_never_cancelled() {
        let mut signals = Signals::default();
        let kept = signals.take();
        signals.end(|| false);
        drop(signals);
        assert!(!kept.is_cancelled());
    }
}
