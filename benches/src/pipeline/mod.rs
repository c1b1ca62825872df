//! The pipeline in memory: what a message costs from the topic to its settlement, with services injected.

pub mod callgrind;
pub mod case;
#[cfg(feature = "crowd")]
mod crowd;
pub mod hand;
pub mod latency;
pub mod ledger;
pub mod modi;
pub mod order;
#[cfg(feature = "rivals")]
pub mod ruststream;
pub mod subject;
pub mod table;
pub mod time;

use crate::measure::Suite;
use ::modi::{Error, Result};
use case::{Case, Crowd};
use std::collections::HashMap;
use subject::Subject;
pub use table::Table;

const SUITE: &str = "pipeline";
/// Threads that work.
const THREADS: [usize; 2] = [1, 2];

/// Runs every case whose name contains this text, and `latency`.
///
/// # Errors
///
/// Those of a subject: it cannot start, or it lost a message.
pub fn run(suite: &mut Suite, rounds: usize, only: &str) -> Result<Table> {
    let cases: Vec<_> = Case::all().into_iter().filter(|case| case.to_string().contains(only)).collect();
    let runtimes = [time::runtime(THREADS[0])?, time::runtime(THREADS[1])?];
    let is_counting = callgrind::is_there();
    let mut table = Table::new(is_counting);
    let mut counted = HashMap::new();
    for case in cases {
        if is_counting {
            for &subject in Subject::ALL.iter().filter(|subject| subject.prepares(case, 1).is_some()) {
                // The loop by hand is the same for all of them.
                let same = Case { batch: 0, concurrency: 0, crowd: Crowd::Nobody, ..case };
                let key = (subject, if subject == Subject::Hand { same } else { case });
                let figure = match counted.get(&key) {
                    Some(figure) => *figure,
                    None => callgrind::count(case, subject)?,
                };
                counted.insert(key, figure);
                table.count(case, subject, figure);
                for (unit, value) in [("instructions", figure.instructions), ("allocations", figure.allocations)] {
                    suite.figure(SUITE, &case.to_string(), subject.name(), unit, vec![value]);
                }
            }
        }
        for (threads, runtime) in THREADS.into_iter().zip(&runtimes) {
            for (subject, times) in time::measure(case, threads, rounds, runtime)? {
                table.time(case, subject, threads, &times);
                let case = format!("{case}, {}", on(threads));
                suite.figure(SUITE, &case, subject.name(), "cpu ns", times.busy);
                suite.figure(SUITE, &case, subject.name(), "messages/s", times.rate);
            }
        }
    }
    if "latency".contains(only) {
        for (threads, runtime) in THREADS.into_iter().zip(&runtimes) {
            for (subject, latency) in latency::measure(runtime)? {
                table.latency(subject, threads, &latency);
                for (part, figures) in [("50 %", latency.half), ("99 %", latency.most)] {
                    let case = format!("latency, {part}, {}", on(threads));
                    suite.figure(SUITE, &case, subject.name(), "ns", figures);
                }
            }
        }
    }
    Ok(table)
}

fn on(threads: usize) -> String {
    format!("{threads} {}", if threads == 1 { "thread" } else { "threads" })
}

/// What a child does that is counted: see [`run`].
///
/// # Errors
///
/// Those of the subject.
pub fn counted(case: &str, subject: &str, messages: u64) -> Result {
    let both = Case::named(case).zip(Subject::named(subject));
    let (case, subject) = both.ok_or_else(|| Error::new("no such case"))?;
    callgrind::child(case, subject, messages, &time::runtime(1)?)
}
