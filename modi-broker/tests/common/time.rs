//! Time in tests is paused: it passes when everything waits, and costs none.

use std::time::Duration;
use tokio::time::{Instant, advance, sleep_until};

/// Lets so much time pass. On a clock that runs it panics: there a test waits for an event.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) async fn pass(time: Duration) {
    passing(time).await;
}

/// The same from this moment on, whenever it is waited for.
pub(crate) fn passing(time: Duration) -> impl Future<Output = ()> + Send {
    let end = Instant::now() + time;
    async move {
        // Panics unless the clock is paused.
        advance(Duration::ZERO).await;
        sleep_until(end).await;
    }
}
