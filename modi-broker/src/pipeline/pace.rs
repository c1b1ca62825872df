//! A rate limit: messages begin evenly, and what was missed is made up for up to a tenth of a second.

use std::time::Duration;

const BURST: Duration = Duration::from_millis(100);

/// The generic cell rate algorithm on the moments of a [`Clock`](super::clock::Clock).
pub(super) struct Pace {
    interval: u64,
    /// How far ahead of time a message may begin.
    ahead: u64,
    /// When the next message would begin if all came evenly.
    due: u64,
}

impl Pace {
    pub(super) fn new((messages, per): (u32, Duration)) -> Self {
        let interval = nanos(per) / u64::from(messages.max(1));
        Self { interval, ahead: nanos(BURST).max(interval) - interval, due: 0 }
    }

    /// The first moment at which a message may begin.
    pub(super) fn next(&self) -> u64 {
        self.due.saturating_sub(self.ahead)
    }

    /// So many begin.
    pub(super) fn begin(&mut self, now: u64, many: usize) {
        self.due = self.due.max(now).saturating_add(self.interval.saturating_mul(many as u64));
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Messages come at any time and begin as soon as they may.
        #[test]
        fn no_span_of_time_sees_more_than_its_share_and_a_burst(
            messages in 1..5_000_u32,
            gaps in prop::collection::vec(0..50_000_000_u64, 1..300),
        ) {
            let second = Duration::from_secs(1);
            let mut pace = Pace::new((messages, second));
            let (mut now, mut begun) = (0, Vec::new());
            for gap in gaps {
                now = (now + gap).max(pace.next());
                pace.begin(now, 1);
                begun.push(now);
            }
            let burst = (f64::from(messages) * BURST.as_secs_f64()).max(1.0);
            for (at, first) in begun.iter().enumerate() {
                for (count, last) in begun[at..].iter().enumerate() {
                    let share = (last - first) as f64 / 1e9 * f64::from(messages) + burst;
                    prop_assert!((count + 1) as f64 <= share + 1.01, "{} within {}", count + 1, last - first);
                }
            }
        }

        #[test]
        fn who_waits_until_it_may_gets_the_whole_rate(messages in 1..5_000_u32) {
            let mut pace = Pace::new((messages, Duration::from_secs(1)));
            for _ in 0..messages {
                let now = pace.next();
                pace.begin(now, 1);
            }
            prop_assert!(pace.due <= 1_000_000_000);
            prop_assert!(pace.due + u64::from(messages) >= 1_000_000_000);
        }
    }
}
