//! The deadline of the attempt that runs, on one timer that is used again.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use tokio::time::{Instant, Sleep, sleep};

/// Armed only when it is off: a later deadline leaves it alone, and when it fires early it is set to the deadline that
/// counts then. So a handler that waits costs one reading of the clock, and one that does not costs nothing.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    armed: bool,
}

impl Timer {
    pub(super) fn new() -> Self {
        Self { sleep: Box::pin(sleep(std::time::Duration::ZERO)), armed: false }
    }

    /// Whether `at` has passed; if not, the task is woken by then.
    pub(super) fn reached(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        if !self.armed {
            self.sleep.as_mut().reset(at);
            self.armed = true;
        } else if self.sleep.deadline() > at {
            self.sleep.as_mut().reset(at);
        }
        while self.sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= at {
                self.armed = false;
                return true;
            }
            self.sleep.as_mut().reset(at);
        }
        false
    }
}
