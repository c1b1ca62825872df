//! The messages, what their handlers do with them, and where each is meant to end.

use modi::{FailureKind, Message};

/// A message.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) id: &'static str,
    pub(crate) topic: &'static str,
    /// What its handler does.
    pub(crate) story: &'static str,
    /// How often its handler is called.
    pub(crate) calls: u32,
    pub(crate) end: End,
}

/// Where a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Handled,
    /// It is among the dead letters.
    Dead(FailureKind),
    /// Its handler ignored it on purpose.
    Dropped,
    /// It could not be handled, and its subscriber drops such messages.
    Discarded,
    /// It is where it was: nobody has acknowledged it.
    Kept,
}

/// The one that ends its process.
pub(crate) const DEADLY: Planned = Planned {
    id: "deadly-1",
    topic: "deadly",
    story: "ends the process, each time",
    calls: 10,
    end: End::Dead(FailureKind::Crash),
};

const fn planned(id: &'static str, topic: &'static str, story: &'static str, calls: u32, end: End) -> Planned {
    Planned { id, topic, story, calls, end }
}

/// The others, in the order in which they are published.
#[rustfmt::skip] // a table
pub(crate) const PLAN: &[Planned] = &[
    planned("deadly-2", "deadly", "succeeds, behind the one above", 1, End::Handled),
    planned("transient-1", "transient", "fails twice, then succeeds", 3, End::Handled),
    planned("poison-1", "poison", "fails each time", 3, End::Dead(FailureKind::Error)),
    planned("poison-2", "poison", "succeeds, behind a poison message", 1, End::Handled),
    planned("unreadable-1", "readings", "is not called: the payload is no number", 0, End::Dead(FailureKind::Decode)),
    planned("rejected-1", "rejected", "says that it never can succeed", 1, End::Dead(FailureKind::Reject)),
    planned("panic-1", "panics", "panics", 2, End::Dead(FailureKind::Panic)),
    planned("slow-1", "slow", "waits for longer than its deadline", 2, End::Dead(FailureKind::Deadline)),
    planned("later-1", "later", "fails twice in place, succeeds half a second later", 3, End::Handled),
    planned("ignored-1", "ignored", "ignores it on purpose", 1, End::Dropped),
    planned("telemetry-1", "telemetry", "fails; `failure = drop`", 2, End::Discarded),
    planned("strict-1", "strict", "fails; `failure = stop`", 1, End::Kept),
    planned("strict-2", "strict", "is not called: its subscriber has stopped", 0, End::Kept),
    planned("outage-1", "outage", "fails until the stock is back", 5, End::Handled),
    planned("outage-2", "outage", "fails until the stock is back", 5, End::Handled),
    planned("outage-3", "outage", "fails until the stock is back", 3, End::Handled),
    planned("outage-4", "outage", "succeeds: the breaker was open meanwhile", 1, End::Handled),
];

impl Planned {
    /// What is published.
    pub(crate) fn message(&self) -> Message {
        let payload = if self.id == "unreadable-1" { "warm" } else { "20" };
        Message::new(payload).with_id(self.id)
    }
}

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Planned> {
    std::iter::once(&DEADLY).chain(PLAN)
}
