//! The figures of the pipeline for people: one line for each case and subject.

use super::callgrind::Counted;
use super::case::{ALLOCATIONS, Case, Crowd, Goal};
use super::latency::Latency;
use super::subject::Subject;
use super::time::Times;
use std::fmt;

/// The most that two threads may take of the processor, as a multiple of what one takes.
const TWO_THREADS: f64 = 1.3;
/// The most that a message may take among other subscribers and services, as a multiple of what it takes alone.
const CROWD: f64 = 1.02;

/// The lines, in the order of the cases.
#[derive(Debug)]
pub struct Table {
    is_counting: bool,
    lines: Vec<Line>,
    latency: Vec<String>,
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
        Self { is_counting, lines: Vec::new(), latency: Vec::new() }
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

    /// Adds a line about the latency.
    pub fn latency(&mut self, subject: Subject, threads: usize, latency: &Latency) {
        let micros = |figures: &[f64]| figures[figures.len() / 2] / 1e3;
        let (half, most) = (micros(&latency.half), micros(&latency.most));
        let subject = subject.name();
        self.latency.push(format!("  {subject:<10} {threads:>7} {half:>10.1} {most:>10.1}"));
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
    let is_met = counted.instructions - floor <= f64::from(goal.instructions) && allocations < ALLOCATIONS;
    let above = if goal.above_hand { " above hand" } else { "" };
    format!("{}{above}: {}", goal.instructions, if is_met { "met" } else { "missed" })
}

/// The goals that are about several lines.
struct Goals<'a>(&'a [Line]);

impl Goals<'_> {
    fn of(&self, subject: Subject) -> impl Iterator<Item = &Line> {
        self.0.iter().filter(move |line| line.subject == subject)
    }

    /// In how many of how many rows a figure of Modi is above its limit.
    fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        what: impl fmt::Display,
        figure: impl Fn(&Line) -> Option<(f64, f64)>,
    ) -> fmt::Result {
        let over: Vec<_> = self.of(Subject::Modi).filter_map(figure).map(|(figure, limit)| figure > limit).collect();
        if over.is_empty() {
            return Ok(());
        }
        let missed = over.iter().filter(|over| **over).count();
        writeln!(f, "{what}: {} of {} rows", over.len() - missed, over.len())
    }

    fn same(&self, line: &Line, subject: Subject) -> Option<&Line> {
        self.of(subject).find(|other| other.case == line.case)
    }

    /// The same without what stands beside it.
    fn alone(&self, line: &Line) -> Option<&Line> {
        if line.case.crowd == Crowd::Scraper {
            return None;
        }
        let alone = Case { crowd: Crowd::Nobody, ..line.case };
        self.of(line.subject).find(|other| line.case != alone && other.case == alone)
    }
}

fn instructions(line: &Line) -> Option<f64> {
    line.counted.map(|counted| counted.instructions)
}

fn busy(line: &Line, threads: usize) -> Option<f64> {
    line.times[threads - 1].map(|(busy, _)| busy)
}

impl fmt::Display for Goals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let two = format!("two threads take at most {TWO_THREADS} times the processor");
        self.write(f, two, |line| Some((busy(line, 2)?, busy(line, 1)? * TWO_THREADS)))?;
        self.write(f, format!("at most {CROWD} times the instructions among others"), |line| {
            Some((instructions(line)?, instructions(self.alone(line)?)? * CROWD))
        })?;
        for &rival in Subject::ALL.iter().filter(|subject| !matches!(subject, Subject::Hand | Subject::Modi)) {
            self.write(f, format!("no more instructions than {rival}"), |line| {
                Some((instructions(line)?, instructions(self.same(line, rival)?)?))
            })?;
            for threads in [1, 2] {
                self.write(f, format!("no more of the processor than {rival}, threads: {threads}"), |line| {
                    Some((busy(line, threads)?, busy(self.same(line, rival)?, threads)?))
                })?;
            }
        }
        Ok(())
    }
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
        if !self.latency.is_empty() {
            writeln!(
                f,
                "\nfrom publication to handler, in microseconds\n  {:<10} {:>7} {:>10} {:>10}",
                "", "threads", "50 %", "99 %"
            )?;
            self.latency.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        write!(f, "\n{}", Goals(&self.lines))
    }
}
