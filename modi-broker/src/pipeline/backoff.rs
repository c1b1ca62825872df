//! How long to wait before the next try.

use crate::handler::Retries;
use std::time::Duration;

/// Before a dead letter that could not be written is written again, or a failed intake goes on.
pub(super) const OUTAGE: Retries =
    Retries { limit: u32::MAX, first: Duration::from_secs(1), longest: Duration::from_secs(60) };

impl Retries {
    /// The longest wait after so many failures: doubling from the first, up to the longest.
    fn cap(&self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }

    /// A random part of it, so that what failed together does not come back together.
    pub(super) fn wait(&self, failures: u32) -> Duration {
        self.cap(failures).mul_f64(fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries =
        Retries { limit: 9, first: Duration::from_millis(100), longest: Duration::from_millis(2_000) };

    #[test]
    fn the_longest_wait_doubles_up_to_a_bound() {
        let caps: Vec<_> = (1..=7).map(|failures| RETRIES.cap(failures).as_millis()).collect();
        assert_eq!(caps, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
        assert_eq!(RETRIES.cap(u32::MAX), RETRIES.longest);
    }

    #[test]
    fn a_wait_is_a_part_of_the_longest_and_not_always_the_same() {
        let waits: Vec<_> = (0..100).map(|_| RETRIES.wait(3)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(400)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_millis(200)));
        assert!(waits.iter().any(|wait| *wait < Duration::from_millis(200)));
    }
}
