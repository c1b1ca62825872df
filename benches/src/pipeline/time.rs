//! Processor time and messages a second: subjects take turns, and the median over the rounds counts.

use super::case::Case;
use super::subject::Subject;
use ::modi::Result;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// Messages in a run: fewer than a topic holds.
const MESSAGES: u64 = 50_000;

/// The figures of a subject, one a round, sorted.
#[derive(Debug, Default)]
pub struct Times {
    /// Nanoseconds that the process ran for a message, on all threads.
    pub busy: Vec<f64>,
    /// Messages a second.
    pub rate: Vec<f64>,
}

/// A runtime with so many threads that do work.
///
/// # Errors
///
/// Those of starting it.
pub fn runtime(threads: usize) -> Result<Runtime> {
    let runtime = match threads {
        1 => Builder::new_current_thread().enable_all().build(),
        _ => Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
    };
    Ok(runtime?)
}

/// Measures those subjects that can do the case.
///
/// # Errors
///
/// Those of the runs.
pub fn measure(case: Case, threads: usize, rounds: usize, runtime: &Runtime) -> Result<Vec<(Subject, Times)>> {
    let able = Subject::ALL.iter().filter_map(|&subject| Some((subject, subject.prepares(case, threads)?)));
    let mut able: Vec<_> = able.map(|(subject, prepare)| (subject, prepare, Times::default())).collect();
    // The first round warms up.
    for round in 0..=rounds {
        for (_, prepare, times) in &mut able {
            let mut run = prepare(case, MESSAGES, runtime)?;
            let (begun, busy) = (Instant::now(), processor_time());
            run.work(runtime)?;
            let (took, busy) = (begun.elapsed(), processor_time().saturating_sub(busy));
            run.finish(runtime)?;
            if round > 0 {
                times.busy.push(busy.as_secs_f64() * 1e9 / MESSAGES as f64);
                times.rate.push(MESSAGES as f64 / took.as_secs_f64());
            }
        }
    }
    let sorted = able.into_iter().map(|(subject, _, mut times)| {
        times.busy.sort_by(f64::total_cmp);
        times.rate.sort_by(f64::total_cmp);
        (subject, times)
    });
    Ok(sorted.collect())
}

/// Of this process, on all threads.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
