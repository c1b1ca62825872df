//! How a running member of a group is told to pause, to drain and to cut, and how it shows from outside that it lives.

use crate::BrokerError;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{AtomicWaker, Mutex, MutexGuard};
use std::sync::PoisonError;
use std::task::Context;
use std::time::Duration;
use tokio::time::Instant;

/// How far the stop has come. A later stage has the bits of an earlier one.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Start nothing new; finish what runs.
    Draining = 0b0001,
    /// Give back what runs.
    Cut = 0b0011,
}

/// Receive nothing for now.
const PAUSED: u8 = 0b0100;
/// Somebody outside asks whether the task still runs. The task answers by taking the bit away.
const ASKED: u8 = 0b1000;

/// An error of the intake makes the member look out of order for so long after the intake was asked again.
const DOUBT: Duration = Duration::from_secs(10);
/// Errors that are further apart are not in a row.
const APART: Duration = Duration::from_secs(60);

/// One a member. Reading it is one load; only what waits registers to be woken.
#[derive(Debug, Default)]
pub(crate) struct Control {
    flags: AtomicU8,
    waker: AtomicWaker,
    intake: Mutex<Option<Trouble>>,
}

/// Why the intake fails.
#[derive(Debug)]
struct Trouble {
    error: String,
    in_a_row: u32,
    resumes: Instant,
}

impl Control {
    pub(crate) fn drain(&self) {
        self.raise(Stage::Draining as u8);
    }

    pub(crate) fn cut(&self) {
        self.raise(Stage::Cut as u8);
    }

    /// Nothing more is asked of the source; it stays a member.
    pub(crate) fn pause(&self) {
        self.raise(PAUSED);
    }

    pub(crate) fn resume(&self) {
        self.flags.fetch_and(!PAUSED, Ordering::AcqRel);
        self.waker.wake();
    }

    /// Asks the task whether it runs: it answers when it begins a message, and when it waits.
    pub(crate) fn ask(&self) {
        self.raise(ASKED);
    }

    /// Whether it has not answered yet.
    pub(crate) fn is_asked(&self) -> bool {
        self.flags.load(Ordering::Acquire) & ASKED != 0
    }

    /// The error of the intake, if that fails. A source cannot say that it works again but by messages, so one that waits
    /// for long is believed.
    pub(crate) fn trouble(&self) -> Option<String> {
        let intake = self.intake();
        intake.as_ref().filter(|trouble| trouble.resumes + DOUBT > Instant::now()).map(|trouble| trouble.error.clone())
    }

    fn raise(&self, bits: u8) {
        self.flags.fetch_or(bits, Ordering::AcqRel);
        self.waker.wake();
    }

    #[inline]
    pub(super) fn has_reached(&self, stage: Stage) -> bool {
        self.flags.load(Ordering::Acquire) & stage as u8 == stage as u8
    }

    pub(super) fn is_paused(&self) -> bool {
        self.flags.load(Ordering::Acquire) & PAUSED != 0
    }

    /// Before each message: one load while nobody wants anything.
    #[inline]
    pub(super) fn is_draining(&self) -> bool {
        let flags = self.flags.load(Ordering::Acquire);
        flags != 0 && self.answer(flags) & Stage::Draining as u8 != 0
    }

    /// What the task has to heed, as a number: it is woken when that changes.
    pub(super) fn poll_stage(&self, cx: &mut Context<'_>) -> u8 {
        self.waker.register(cx.waker());
        self.answer(self.flags.load(Ordering::Acquire))
    }

    fn answer(&self, flags: u8) -> u8 {
        if flags & ASKED != 0 {
            self.flags.fetch_and(!ASKED, Ordering::AcqRel);
        }
        flags & !ASKED
    }

    /// The intake failed; `wait` says how long to wait after so many failures in a row.
    #[cold]
    pub(super) fn intake_failed(&self, error: &BrokerError, wait: impl FnOnce(u32) -> Duration) -> Duration {
        let mut intake = self.intake();
        let now = Instant::now();
        let before =
            intake.as_ref().filter(|trouble| trouble.resumes + APART > now).map_or(0, |before| before.in_a_row);
        let in_a_row = before.saturating_add(1);
        let wait = wait(in_a_row);
        *intake = Some(Trouble { error: error.to_string(), in_a_row, resumes: now + wait });
        wait
    }

    /// A message came in after errors.
    #[cold]
    pub(super) fn intake_works(&self) {
        *self.intake() = None;
    }

    fn intake(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BrokerErrorKind;

    #[test]
    fn each_flag_is_seen_alone_and_a_question_is_answered_once() {
        let control = Control::default();
        let look = || (control.is_draining(), control.is_paused(), control.has_reached(Stage::Cut));
        assert_eq!(look(), (false, false, false));
        control.pause();
        control.ask();
        assert_eq!(look(), (false, true, false));
        assert!(!control.is_asked(), "answered by `is_draining`");
        control.resume();
        control.drain();
        assert_eq!(look(), (true, false, false));
        control.cut();
        assert_eq!(look(), (true, false, true));
    }

    #[tokio::test(start_paused = true)]
    async fn errors_of_the_intake_count_until_a_message_comes_or_a_long_time_passes() {
        let control = Control::default();
        let error = BrokerError::new(BrokerErrorKind::Unavailable, "gone");
        let fail = || control.intake_failed(&error, |failures| Duration::from_secs(failures.into())).as_secs();
        assert_eq!((fail(), fail()), (1, 2));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(control.trouble().as_deref(), Some("gone"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(control.trouble(), None, "it waits in peace");
        assert_eq!(fail(), 3);
        tokio::time::advance(Duration::from_secs(63)).await;
        assert_eq!(fail(), 1);
        control.intake_works();
        assert_eq!((control.trouble(), fail()), (None, 1));
    }
}
