//! The figures of the pipeline for people: one line for each case and subject.

use super::callgrind::Counted;
use super::case::{Case, Goal};
use super::subject::Subject;
use super::time::Times;
use std::fmt;

/// The most that two threads may take of the processor, as a multiple of what one takes.
const TWO_THREADS: f64 = 1.3;

/// The lines, in the order of the cases.
#[derive(Debug)]
pub struct Table {
    is_counting: bool,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    case: Case,
    subject: Subject,
    counted: Option<Counted>,
    /// The medians on one thread and on two: nanoseconds of the processor, and messages a second.
    times: [Option<(f64, f64)>; 2],
}

impl Table {
    /// Without a line.
    pub fn new(is_counting: bool) -> Self {
        Self { is_counting, lines: Vec::new() }
    }

    fn line(&mut self, case: Case, subject: Subject) -> &mut Line {
        let at = self.lines.iter().position(|line| line.case == case && line.subject == subject);
        let at = at.unwrap_or_else(|| {
            self.lines.push(Line { case, subject, counted: None, times: [None; 2] });
            self.lines.len() - 1
        });
        &mut self.lines[at]
    }

    /// Adds what was counted to the line of a subject.
    pub fn count(&mut self, case: Case, subject: Subject, counted: Counted) {
        self.line(case, subject).counted = Some(counted);
    }

    /// Adds what was timed.
    pub fn time(&mut self, case: Case, subject: Subject, threads: usize, times: &Times) {
        let median = |figures: &[f64]| figures[figures.len() / 2];
        self.line(case, subject).times[threads - 1] = Some((median(&times.busy), median(&times.rate)));
    }

    fn hand(&self, case: Case) -> Option<Counted> {
        let hand = self.lines.iter().find(|line| line.case == case && line.subject == Subject::Hand);
        hand.and_then(|line| line.counted)
    }
}

/// A goal, and whether it is met.
fn verdict(goal: Goal, counted: Counted, hand: Option<Counted>) -> String {
    let floor = hand.filter(|_| goal.above_hand).map_or(0.0, |hand| hand.instructions);
    let allocations = counted.allocations - hand.map_or(0.0, |hand| hand.allocations);
    // A batch allocates once, whatever is in it.
    let is_met = counted.instructions - floor <= f64::from(goal.instructions) && allocations < goal.allocations + 0.1;
    let what = if goal.above_hand { " above hand" } else { "" };
    format!("{}{what}: {}", goal.instructions, if is_met { "met" } else { "missed" })
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_counting {
            writeln!(f, "Instructions and allocations are not counted: there is no `valgrind`.\n")?;
        }
        writeln!(
            f,
            "{:<11} {:>8} {:>8} {:>7} {:>8} {:>8} {:>5} {:>8} {:>8}  instructions to reach",
            "", "instr.", "- hand", "allocs", "cpu ns", "cpu ns 2", "2 / 1", "M/s", "M/s 2"
        )?;
        let mut last = None;
        for Line { case, subject, counted, times } in &self.lines {
            if last.replace(case) != Some(case) {
                writeln!(f, "{case}")?;
            }
            let hand = self.hand(*case);
            let number = |value: Option<f64>, digits| value.map_or("-".to_owned(), |value| format!("{value:.digits$}"));
            let above = counted.zip(hand).filter(|_| *subject != Subject::Hand);
            let ratio = times[0].zip(times[1]).map(|((one, _), (two, _))| two / one);
            let goal = counted.zip(case.goal()).filter(|_| *subject == Subject::Modi);
            writeln!(
                f,
                "  {:<9} {:>8} {:>8} {:>7} {:>8} {:>8} {:>5} {:>8} {:>8}  {}",
                subject.name(),
                number(counted.map(|counted| counted.instructions), 0),
                number(above.map(|(counted, hand)| counted.instructions - hand.instructions), 0),
                number(counted.map(|counted| counted.allocations), 3),
                number(times[0].map(|(busy, _)| busy), 0),
                number(times[1].map(|(busy, _)| busy), 0),
                number(ratio, 2),
                number(times[0].map(|(_, rate)| rate / 1e6), 2),
                number(times[1].map(|(_, rate)| rate / 1e6), 2),
                goal.map_or(String::new(), |(counted, goal)| verdict(goal, counted, hand)),
            )?;
        }
        let ratios = self.lines.iter().filter(|line| line.subject == Subject::Modi).filter_map(|line| {
            let ((one, _), (two, _)) = line.times[0].zip(line.times[1])?;
            Some(two / one)
        });
        let (mut all, mut over) = (0, 0);
        for ratio in ratios {
            all += 1;
            over += usize::from(ratio > TWO_THREADS);
        }
        write!(f, "\nTwo threads took more than {TWO_THREADS} times the processor in {over} of {all} rows of Modi.")
    }
}
