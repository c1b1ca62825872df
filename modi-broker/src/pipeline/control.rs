//! How a subscriber is told to stop: drain first, then cut.

use futures_util::task::AtomicWaker;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Context;

/// How far the stop has come. Zero is no stop at all.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Start nothing new; finish what runs.
    Draining = 1,
    /// Give back what runs.
    Cut,
}

/// One a subscriber. Reading it is one load; only what waits registers to be woken.
#[derive(Debug, Default)]
pub(crate) struct Control {
    stage: AtomicU8,
    waker: AtomicWaker,
}

impl Control {
    pub(crate) fn drain(&self) {
        self.raise(Stage::Draining);
    }

    pub(crate) fn cut(&self) {
        self.raise(Stage::Cut);
    }

    fn raise(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
        self.waker.wake();
    }

    #[inline]
    pub(super) fn has_reached(&self, stage: Stage) -> bool {
        self.stage.load(Ordering::Acquire) >= stage as u8
    }

    /// The stage as a number, for a task that waits: it is woken at the next one.
    pub(super) fn poll_stage(&self, cx: &mut Context<'_>) -> u8 {
        self.waker.register(cx.waker());
        self.stage.load(Ordering::Acquire)
    }
}
