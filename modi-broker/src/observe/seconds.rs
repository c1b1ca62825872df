//! How long attempts take: a histogram, and how often the clock is read for it.

use prometheus_client::encoding::{MetricEncoder, NoLabelSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// From 100 microseconds to the default deadline, in seconds.
const BOUNDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

/// The attempts of one member that were timed, by how long they took.
#[derive(Debug, Default)]
pub(crate) struct Seconds {
    /// The last one has no bound.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Seconds {
    pub(crate) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let at = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[at].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Writes those of all members as one.
    pub(super) fn encode<'a>(members: impl Iterator<Item = &'a Self>, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        let (mut nanos, mut buckets) = (0, BOUNDS.map(|bound| (bound, 0)).to_vec());
        buckets.push((f64::INFINITY, 0));
        for member in members {
            nanos += member.nanos.load(Ordering::Relaxed);
            for ((_, count), bucket) in buckets.iter_mut().zip(&member.buckets) {
                *count += bucket.load(Ordering::Relaxed);
            }
        }
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(Duration::from_nanos(nanos).as_secs_f64(), count, &buckets, None)
    }
}

/// Which attempts are timed. Reading the clock costs as much as a tenth of handling a message, so it is read for one
/// attempt in 64, but for each one while attempts take so long that the clock is nothing beside them. What was decides and
/// not what comes, so slow attempts are not counted more often than fast ones.
#[derive(Debug, Default)]
pub(super) struct Stopwatch {
    began: Option<Instant>,
    /// Attempts until the next one that is timed.
    wait: u8,
}

const EVERY: u8 = 64;
const LONG: Duration = Duration::from_micros(100);

impl Stopwatch {
    #[inline]
    pub(super) fn begin(&mut self) {
        match self.wait.checked_sub(1) {
            Some(wait) => self.wait = wait,
            None => self.start(),
        }
    }

    #[cold]
    pub(super) fn runs(&self) -> bool {
        self.began.is_some()
    }

    /// The attempt has ended.
    #[inline]
    pub(super) fn end(&mut self, seconds: &Seconds) {
        if let Some(began) = self.began {
            self.observe(began.elapsed(), seconds);
        }
    }

    #[cold]
    fn start(&mut self) {
        self.began = Some(Instant::now());
        self.wait = EVERY - 1;
    }

    #[cold]
    fn observe(&mut self, took: Duration, seconds: &Seconds) {
        self.began = None;
        seconds.observe(took);
        if took >= LONG {
            self.wait = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn attempts(number: u64, take: Duration) -> Seconds {
        let (seconds, mut stopwatch) = (Seconds::default(), Stopwatch::default());
        for _ in 0..number {
            stopwatch.begin();
            tokio::time::advance(take).await;
            stopwatch.end(&seconds);
        }
        seconds
    }

    fn counts(seconds: &Seconds) -> Vec<u64> {
        seconds.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn of_short_attempts_one_in_64_is_timed() {
        let seconds = attempts(65, Duration::from_micros(10)).await;
        assert_eq!((counts(&seconds)[0], counts(&seconds).iter().sum::<u64>()), (2, 2));
        assert_eq!(seconds.nanos.load(Ordering::Relaxed), 20_000);
    }

    #[tokio::test(start_paused = true)]
    async fn of_long_attempts_each_is_timed() {
        let seconds = attempts(65, Duration::from_millis(3)).await;
        assert_eq!(counts(&seconds)[5], 65);
    }

    #[test]
    fn what_takes_longer_than_every_bound_is_in_the_last_bucket() {
        let seconds = Seconds::default();
        seconds.observe(Duration::from_secs(16));
        assert_eq!(counts(&seconds)[BOUNDS.len()], 1);
    }
}
