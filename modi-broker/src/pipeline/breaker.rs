//! Tells an outage from a poison message: many failures in a row over several messages pause the intake.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// As many retryable failures in a row, ..
const FAILURES: u32 = 10;
/// .. of as many messages.
const MESSAGES: usize = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a message whose retries are used up waits for another one to tell whether that is its own fault.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// One a subscriber. Jobs tell it of failures, the loop of successes; while nothing fails it is one load.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: AtomicU8,
    run: Mutex<Run>,
}

const CALM: u8 = 0;
const TROUBLED: u8 = 1;
const OPEN: u8 = 2;

/// The failures in a row.
#[derive(Debug, Default)]
struct Run {
    failures: u32,
    /// The first few messages that failed.
    messages: Vec<u64>,
    is_open: bool,
    pauses: u32,
    /// The numbers that messages get when they first fail.
    serial: u64,
}

impl Breaker {
    /// Something has failed since the last success.
    #[inline]
    pub(super) fn is_troubled(&self) -> bool {
        self.state.load(Ordering::Relaxed) != CALM
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::Relaxed) == OPEN
    }

    /// A number for a message that fails for the first time.
    pub(super) fn serial(&self) -> u64 {
        let mut run = self.lock();
        run.serial += 1;
        run.serial
    }

    /// An attempt at a message failed in a way that trying again may mend. Whether the breaker is open now, and whether
    /// it was this that opened it.
    pub(super) fn failed(&self, message: u64) -> (bool, bool) {
        let mut run = self.lock();
        let opened = run.failed(message);
        self.state.store(if run.is_open { OPEN } else { TROUBLED }, Ordering::Relaxed);
        (run.is_open, opened)
    }

    /// A message was handled. Whether the breaker was open.
    #[cold]
    pub(super) fn succeeded(&self) -> bool {
        self.state.store(CALM, Ordering::Relaxed);
        self.lock().succeeded()
    }

    /// How long to wait before the next message probes.
    pub(super) fn pause(&self) -> Duration {
        self.lock().pause()
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn failed(&mut self, message: u64) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.messages.len() < MESSAGES && !self.messages.contains(&message) {
            self.messages.push(message);
        }
        let opens = !self.is_open && self.failures >= FAILURES && self.messages.len() >= MESSAGES;
        self.is_open |= opens;
        opens
    }

    fn succeeded(&mut self) -> bool {
        self.failures = 0;
        self.messages.clear();
        self.pauses = 0;
        std::mem::take(&mut self.is_open)
    }

    fn pause(&mut self) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(self.pauses).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
        self.pauses = self.pauses.saturating_add(1).min(31);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn pauses_double_from_a_second_to_a_minute_and_begin_anew_after_a_success() {
        let mut run = Run::default();
        let seconds: Vec<_> = (0..9).map(|_| run.pause().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!((0..100).all(|_| run.pause() == LONGEST_PAUSE));
        run.succeeded();
        assert_eq!(run.pause(), FIRST_PAUSE);
    }

    proptest! {
        /// Failures of so many messages, and a success behind them, again and again.
        #[test]
        fn it_opens_after_ten_failures_of_three_messages_and_not_before_and_a_success_closes_it(
            runs in prop::collection::vec((1..5_u64, prop::collection::vec(0..60_u64, 0..25)), 0..12),
        ) {
            let breaker = Breaker::default();
            let mut since: Vec<u64> = Vec::new();
            let failures = |(messages, failed): (u64, Vec<u64>)| failed.into_iter().map(move |one| Some(one % messages));
            for event in runs.into_iter().flat_map(|run| failures(run).chain([None])) {
                let before = breaker.is_open();
                let meant = |since: &[u64]| since.len() >= 10 && BTreeSet::from_iter(since).len() >= 3;
                match event {
                    None => {
                        since.clear();
                        prop_assert_eq!(breaker.succeeded(), before);
                    }
                    Some(message) => {
                        since.push(message);
                        let (is_open, opened) = breaker.failed(message);
                        prop_assert_eq!(opened, is_open && !before);
                    }
                }
                prop_assert_eq!(breaker.is_open(), meant(&since));
                prop_assert_eq!(breaker.is_troubled(), !since.is_empty());
            }
        }
    }
}
