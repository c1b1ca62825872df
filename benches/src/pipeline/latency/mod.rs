//! How long a message takes from its publication to its handler, when there is nothing else to do.

mod modi;
#[cfg(feature = "rivals")]
mod ruststream;

use super::order::{DIGITS, FIRST};
use super::subject::Subject;
use ::modi::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::time::sleep;

/// Messages in a round.
const MESSAGES: u64 = 500;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(1);
const ROUNDS: usize = 5;

/// Notes when messages come.
#[derive(Debug)]
pub struct Probe {
    began: Instant,
    went: Vec<AtomicU64>,
    came: Vec<AtomicU64>,
    count: AtomicU64,
    done: Notify,
}

impl Probe {
    fn new() -> Self {
        let none = || (0..MESSAGES).map(|_| AtomicU64::new(0)).collect();
        Self { began: Instant::now(), went: none(), came: none(), count: AtomicU64::new(0), done: Notify::new() }
    }

    /// A message came.
    pub fn came(&self, body: &[u8]) {
        let number = body[DIGITS].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')) - FIRST;
        self.came[number as usize].store(self.now(), Relaxed);
        if self.count.fetch_add(1, Relaxed) + 1 == MESSAGES {
            self.done.notify_one();
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The numbers of the messages.
    fn numbers() -> std::ops::Range<u64> {
        0..MESSAGES
    }

    /// To be waited for before each publication.
    async fn goes(&self, number: u64) {
        sleep(PAUSE).await;
        self.went[number as usize].store(self.now(), Relaxed);
    }

    /// Waits for the last message. What each took, sorted.
    async fn took(&self) -> Vec<u64> {
        while self.count.load(Relaxed) < MESSAGES {
            self.done.notified().await;
        }
        let both = self.came.iter().zip(&self.went);
        let mut took: Vec<_> = both.map(|(came, went)| came.load(Relaxed).saturating_sub(went.load(Relaxed))).collect();
        took.sort_unstable();
        took
    }
}

/// Nanoseconds that half of the messages took at most, and 99 of 100: one value a round, sorted.
#[derive(Debug, Default)]
pub struct Latency {
    /// Half of them.
    pub half: Vec<f64>,
    /// 99 of 100.
    pub most: Vec<f64>,
}

/// Measures those subjects that hand messages out.
///
/// # Errors
///
/// Those of the subjects.
pub fn measure(runtime: &Runtime) -> Result<Vec<(Subject, Latency)>> {
    let mut all = Vec::new();
    for &subject in Subject::ALL {
        let mut latency = Latency::default();
        for _ in 0..ROUNDS {
            let took = match subject {
                Subject::Hand => break,
                Subject::Modi => runtime.block_on(task(modi::run()))?,
                #[cfg(feature = "rivals")]
                Subject::RustStream => runtime.block_on(task(ruststream::run()))?,
            };
            latency.half.push(took[took.len() / 2] as f64);
            latency.most.push(took[took.len() * 99 / 100] as f64);
        }
        latency.half.sort_by(f64::total_cmp);
        latency.most.sort_by(f64::total_cmp);
        if !latency.half.is_empty() {
            all.push((subject, latency));
        }
    }
    Ok(all)
}

/// On a thread that works, where there are some.
async fn task<T: Send + 'static>(run: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(run).await.map_err(Error::new)?
}
