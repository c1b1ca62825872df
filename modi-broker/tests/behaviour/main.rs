//! What the pipeline does, on the broker inside the process and on a paused clock.
#![expect(clippy::unwrap_used, reason = "tests")]

mod absent;
mod answers;
mod batches;
mod by_hand;
#[path = "../common/capture.rs"]
mod capture;
mod chain;
mod choices;
mod codecs;
mod confirmations;
mod context;
mod control;
mod failures;
mod flaky;
mod lab;
mod life;
mod logs;
mod memory;
mod metrics;
mod middleware;
mod needs;
mod observed;
mod odd;
mod outage;
mod policies;
mod publishing;
mod redelivery;
mod redrive;
mod rings;
mod shop;
mod side;
mod side_by_side;
mod stage;
mod start;
mod supervision;
#[path = "../common/time.rs"]
mod time;
mod traces;
mod trouble;
mod wire;

use std::time::Duration;

/// Lets everything run that can.
async fn idle() {
    time::pass(Duration::from_millis(1)).await;
}
