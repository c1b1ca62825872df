//! How many lines a second may be written about one thing: an outage must not fill the disk.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// At most [`MOST`] lines a second. Those that are not written are counted for the next one that is.
#[derive(Debug, Default)]
pub(crate) struct Limit(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    said: u32,
    suppressed: u64,
}

const MOST: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

impl Limit {
    /// Whether a line may be written: how many were not, since the last one that was.
    pub(crate) fn pass(&self) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if window.began.is_none_or(|began| now - began >= WINDOW) {
            (window.began, window.said) = (Some(now), 0);
        }
        if window.said == MOST {
            window.suppressed += 1;
            return None;
        }
        window.said += 1;
        Some(std::mem::take(&mut window.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_lines_a_second_pass_and_the_next_one_says_how_many_did_not() {
        let limit = Limit::default();
        let passed = (0..25).filter_map(|_| limit.pass()).collect::<Vec<_>>();
        assert_eq!(passed, [0; 10]);
        tokio::time::advance(WINDOW - Duration::from_millis(1)).await;
        assert_eq!(limit.pass(), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!((limit.pass(), limit.pass()), (Some(16), Some(0)));
    }
}
