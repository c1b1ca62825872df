//! Time a round: subjects take turns, and the median over the rounds counts.

use serde_json::json;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// How long one subject runs in one round, at least.
const ROUND: Duration = Duration::from_millis(20);

/// What is measured: it does its work so many times.
pub type Work<'a> = Box<dyn FnMut(u64) + 'a>;

/// The figures of all cases.
#[derive(Debug)]
pub struct Suite {
    rounds: usize,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    suite: &'static str,
    case: String,
    subject: &'static str,
    unit: &'static str,
    /// Of the rounds, sorted.
    each: Vec<f64>,
}

impl Row {
    fn median(&self) -> f64 {
        self.each[self.each.len() / 2]
    }
}

impl Suite {
    /// An empty suite that measures each case so often.
    pub fn new(rounds: usize) -> Self {
        Self { rounds: rounds.max(1), rows: Vec::new() }
    }

    /// Measures one case. The first subject is what the others are compared with.
    pub fn case(&mut self, suite: &'static str, case: &str, subjects: Vec<(&'static str, Work<'_>)>) {
        let mut running: Vec<_> =
            subjects.into_iter().map(|(subject, mut work)| (subject, calibrate(&mut work), work)).collect();
        let mut figures: Vec<Vec<f64>> = vec![Vec::new(); running.len()];
        for _ in 0..self.rounds {
            for ((_, times, work), each) in running.iter_mut().zip(&mut figures) {
                each.push(time(work, *times).as_secs_f64() * 1e9 / *times as f64);
            }
        }
        for ((subject, ..), mut each) in running.into_iter().zip(figures) {
            each.sort_by(f64::total_cmp);
            self.figure(suite, case, subject, "ns", each);
        }
    }

    /// Adds a figure that was measured elsewhere: one value a round, sorted.
    pub fn figure(
        &mut self,
        suite: &'static str,
        case: &str,
        subject: &'static str,
        unit: &'static str,
        each: Vec<f64>,
    ) {
        self.rows.push(Row { suite, case: case.to_owned(), subject, unit, each });
    }

    /// For people: medians in nanoseconds, spread, and the ratio to the first subject of the case.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{:<34} {:<11} {:>11} {:>25} {:>7}\n",
            "case", "subject", "median ns", "lowest .. highest", "ratio"
        );
        let mut first: Option<&Row> = None;
        for row in &self.rows {
            if first.is_none_or(|first| first.case != row.case) {
                first = Some(row);
            }
            let ratio = first.map_or(1.0, |first| row.median() / first.median());
            let spread = format!("{:.2} .. {:.2}", row.each[0], row.each[row.each.len() - 1]);
            let _infallible =
                writeln!(out, "{:<34} {:<11} {:>11.2} {spread:>25} {ratio:>7.2}", row.case, row.subject, row.median());
        }
        out
    }

    /// For programs.
    pub fn json(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            json!({
                "suite": row.suite, "case": row.case, "subject": row.subject, "unit": row.unit,
                "median": row.median(), "low": row.each[0], "high": row.each[row.each.len() - 1],
            })
        });
        json!({ "rows": rows.collect::<Vec<_>>() }).to_string()
    }
}

/// How often the work must be done to fill a round.
fn calibrate(work: &mut Work<'_>) -> u64 {
    let mut times = 1;
    loop {
        let took = time(work, times);
        if took >= ROUND / 2 {
            return ((times as f64 * ROUND.as_secs_f64() / took.as_secs_f64()) as u64).max(1);
        }
        times *= 4;
    }
}

fn time(work: &mut Work<'_>, times: u64) -> Duration {
    let begun = Instant::now();
    work(times);
    begun.elapsed()
}
