//! The moments that the jobs of a subscriber wait for, on one timer that is used again.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Context;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

const NEVER: u64 = u64::MAX;

/// What the jobs see of the time: it is coarse, and moves only when the timer fires. So a job that waits reads the clock
/// once, and one that does not costs nothing. Moments are nanoseconds since the subscriber began.
pub(super) struct Clock {
    began: Instant,
    now: AtomicU64,
    /// The first moment that a job waits for.
    next: AtomicU64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), now: AtomicU64::new(0), next: AtomicU64::new(NEVER) }
    }

    /// The moment after so long a wait.
    pub(super) fn after(&self, wait: Duration) -> u64 {
        nanos(self.began.elapsed()).saturating_add(nanos(wait))
    }

    /// The same moment for those outside. What is beyond the timer's reach is as good as never.
    pub(super) fn instant(&self, moment: u64) -> Instant {
        let at = self.began.checked_add(Duration::from_nanos(moment));
        at.unwrap_or_else(|| self.began + Duration::from_secs(1 << 31))
    }

    /// Whether the moment has come; if not, who waits for it is polled when it has.
    pub(super) fn has_come(&self, moment: u64) -> bool {
        if self.now.load(Ordering::Relaxed) >= moment {
            return true;
        }
        self.next.fetch_min(moment, Ordering::Relaxed);
        false
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER - 1)
}

/// The loop's side. A later moment leaves the timer alone, and when it fires early it is set to the moment that counts
/// then: for deadlines that is about once a deadline, and not once a message.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    armed: u64,
}

impl Timer {
    pub(super) fn new() -> Self {
        Self { sleep: Box::pin(sleep(Duration::ZERO)), armed: NEVER }
    }

    /// Whether a moment has come that a job asked for. Those that still wait ask again when they are polled.
    pub(super) fn poll(&mut self, clock: &Clock, cx: &mut Context<'_>) -> bool {
        let next = clock.next.load(Ordering::Relaxed);
        if next < self.armed {
            self.armed = next;
            self.sleep.as_mut().reset(clock.instant(next));
        }
        if self.armed == NEVER || self.sleep.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.armed = NEVER;
        clock.now.store(nanos(clock.began.elapsed()), Ordering::Relaxed);
        clock.next.store(NEVER, Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::noop_waker;

    #[tokio::test(start_paused = true)]
    async fn a_moment_has_come_when_the_timer_fires_at_it_and_not_before() {
        let (clock, mut timer, waker) = (Clock::new(), Timer::new(), noop_waker());
        let mut cx = Context::from_waker(&waker);
        let (late, soon) = (clock.after(Duration::from_secs(15)), clock.after(Duration::from_secs(1)));
        assert!(!clock.has_come(late) && !timer.poll(&clock, &mut cx));
        assert!(!clock.has_come(soon) && !timer.poll(&clock, &mut cx), "an earlier moment sets the timer anew");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(timer.poll(&clock, &mut cx) && clock.has_come(soon) && !clock.has_come(late));
        tokio::time::advance(Duration::from_secs(13)).await;
        assert!(!timer.poll(&clock, &mut cx));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(timer.poll(&clock, &mut cx) && clock.has_come(late));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(!timer.poll(&clock, &mut cx), "nobody asks any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_that_never_comes_is_no_error() {
        let (clock, mut timer, waker) = (Clock::new(), Timer::new(), noop_waker());
        let never = clock.after(Duration::MAX);
        assert!(!clock.has_come(never) && !timer.poll(&clock, &mut Context::from_waker(&waker)));
    }
}
