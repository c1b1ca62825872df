//! What a topic holds: its logs, its groups, who waits for room, what is seen later.

use super::dedupe::Seen;
use super::group::Group;
use super::hash::hash;
use super::log::Log;
use super::profile::Rules;
use super::room::{Later, Queue};
use crate::Message;
use crate::contract::Receipt;

pub(super) struct State {
    /// One, or as many as there are partitions.
    pub(super) logs: Vec<Log>,
    pub(super) groups: Vec<Group>,
    pub(super) queue: Queue,
    pub(super) later: Later,
    pub(super) seen: Option<Seen>,
    /// Where the next message without a key goes.
    turn: u64,
    pub(super) history: Vec<Message>,
    pub(super) has_let_go: bool,
}

impl State {
    pub(super) fn new(partitions: u32, rules: &Rules) -> Self {
        Self {
            logs: (0..partitions.max(1)).map(|_| Log::default()).collect(),
            groups: Vec::new(),
            queue: Queue::default(),
            later: Later::default(),
            seen: rules.dedupe.map(Seen::new),
            turn: 0,
            history: Vec::new(),
            has_let_go: false,
        }
    }

    /// What counts for the bound.
    #[inline]
    pub(super) fn held(&self) -> usize {
        let held = self.logs.iter().map(|log| log.messages.len()).sum::<usize>();
        held + self.later.len()
    }

    pub(super) fn seen(&mut self, message: &Message) -> Option<Receipt> {
        self.seen.as_mut()?.find(message.id_bytes()?)
    }

    pub(super) fn choose(&mut self, message: &Message, partition: Option<u32>, many: u64) -> usize {
        let place = match (partition, message.key()) {
            (Some(partition), _) => u64::from(partition),
            (None, Some(key)) => hash(key),
            (None, None) => {
                self.turn += 1;
                self.turn
            }
        };
        (place % many) as usize
    }

    /// A group by its name and what it listens to; failing that, by its name.
    pub(super) fn find(&self, name: &str, of: &str) -> Option<usize> {
        let exact = self.groups.iter().position(|group| &*group.name == name && &*group.of == of);
        exact.or_else(|| self.groups.iter().position(|group| &*group.name == name))
    }

    /// Drops what every group has finished.
    #[inline]
    pub(super) fn trim(&mut self) {
        for (partition, log) in self.logs.iter_mut().enumerate() {
            if let Some(low) = self.groups.iter().map(|group| group.low(partition)).min() {
                log.trim(low);
            }
        }
    }
}
