//! Where every message went, and whether that adds up.

use super::ledger::Ledger;
use super::plan::{End, Planned, all};
use modi::{DeadLetter, MemoryBroker, Report};
use std::fmt;

/// Where every message went.
pub(crate) struct Table {
    rows: Vec<Row>,
    /// What the subscribers counted: handled, dead letters, dropped.
    counted: [u64; 3],
}

/// What became of one message.
#[derive(Default)]
pub(crate) struct Row {
    /// How often its handler was called.
    pub(crate) calls: u32,
    /// Exactly one, if nothing was lost and nothing was done twice.
    pub(crate) ends: Vec<End>,
    reason: String,
}

impl Table {
    /// What is known now: from the ledger, and from what the broker holds.
    pub(crate) fn of(memory: &MemoryBroker, ledger: &Ledger, report: &Report) -> Self {
        let total = report.total();
        let rows = all().map(|planned| row(planned, memory, ledger)).collect();
        Self { rows, counted: [total.acked, total.dead_lettered, total.dropped] }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static Planned, &Row)> {
        all().zip(&self.rows)
    }

    /// No message is on its way any more.
    pub(crate) fn is_complete(&self) -> bool {
        let has_ended = |(planned, row): (&Planned, &Row)| match planned.end {
            End::Kept => row.calls == planned.calls,
            _ => !row.ends.is_empty() && row.ends != [End::Kept],
        };
        self.rows().all(has_ended) && self.is_counted()
    }

    /// Every message has ended once, and the subscribers have counted the same.
    pub(crate) fn adds_up(&self) -> bool {
        self.rows.iter().all(|row| row.ends.len() == 1) && self.is_counted()
    }

    fn is_counted(&self) -> bool {
        let many = |is_it: fn(&End) -> bool| {
            self.rows.iter().flat_map(|row| &row.ends).filter(|end| is_it(end)).count() as u64
        };
        let handled = many(|end| matches!(end, End::Handled));
        let dead = many(|end| matches!(end, End::Dead(_)));
        let dropped = many(|end| matches!(end, End::Dropped | End::Discarded));
        self.counted == [handled, dead, dropped]
    }
}

fn row(planned: &Planned, memory: &MemoryBroker, ledger: &Ledger) -> Row {
    let entry = ledger.entry(planned.id);
    let mut row = Row { calls: entry.calls, ..Row::default() };
    let is_it = |message: &modi::Message| message.id() == Some(planned.id);
    let dead = memory.messages(&format!("dead.failures.{}", planned.topic));
    let (mut dead, kept) =
        (dead.into_iter().filter(is_it).filter_map(DeadLetter::read), memory.messages(planned.topic));

    row.ends.extend((0..entry.handled).map(|_| End::Handled));
    for reason in entry.dropped {
        row.ends.push(End::Dropped);
        row.reason = reason;
    }
    if let Some(letter) = dead.next() {
        row.ends.push(End::Dead(letter.kind));
        row.ends.extend(dead.map(|letter| End::Dead(letter.kind)));
        row.reason = letter.error;
    }
    if kept.iter().any(is_it) && row.ends.is_empty() {
        row.ends.push(End::Kept);
        row.reason = entry.gave_up.clone().unwrap_or_default();
    }
    // Neither here nor there: what has given up has dropped it.
    if let (true, Some(reason)) = (row.ends.is_empty(), entry.gave_up) {
        row.ends.push(End::Discarded);
        row.reason = reason;
    }
    row
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handled => f.write_str("handled"),
            Self::Dead(kind) => write!(f, "dead letter ({})", kind.as_str()),
            Self::Dropped => f.write_str("dropped by its handler"),
            Self::Discarded => f.write_str("dropped by its policy"),
            Self::Kept => f.write_str("kept in its topic"),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<13} {:<51} {:>5}  {:<23} because", "message", "its handler", "calls", "where it went")?;
        for (Planned { id, story, .. }, Row { calls, ends, reason }) in self.rows() {
            let ends: Vec<_> = ends.iter().map(ToString::to_string).collect();
            let ended = if ends.is_empty() { "LOST".to_owned() } else { ends.join(" AND ") };
            let line = format!("{id:<13} {story:<51} {calls:>5}  {ended:<23} {reason}");
            writeln!(f, "{}", line.trim_end())?;
        }
        let [handled, dead, dropped] = self.counted;
        let kept = self.rows.iter().filter(|row| row.ends == [End::Kept]).count();
        let verdict = if self.adds_up() { "nothing is lost" } else { "THIS DOES NOT ADD UP" };
        write!(
            f,
            "\n{} messages: {handled} handled, {dead} dead letters, {dropped} dropped, {kept} kept: {verdict}",
            self.rows.len()
        )
    }
}
