//! Which member of a group has a key: while messages with a key are out at one member, no other member gets any.

use super::hash::{Fast, hash};
use crate::Message;
use std::collections::{HashMap, VecDeque};

/// Made when a group gets its second member, and dropped when it has one again. Messages without a key have no order
/// across members. Two keys with one hash share their order.
#[derive(Default)]
pub(super) struct Keys(HashMap<u64, Held, Fast>);

#[derive(Default)]
struct Held {
    session: u32,
    /// Messages that are out there.
    out: u32,
    /// One that waits for the member stands among what can be handed out, in front of these.
    has_head: bool,
    behind: VecDeque<u64>,
}

/// The key of a message as it is known here.
pub(super) fn key(message: &Message) -> Option<u64> {
    message.key().map(|key| hash(key))
}

impl Keys {
    /// Whether the member may have the next message with this key.
    pub(super) fn allow(&self, key: u64, session: u32) -> bool {
        self.0.get(&key).is_none_or(|held| held.out == 0 || held.session == session)
    }

    /// The member gets a message with this key. The message behind it can be handed out now, to the same member.
    pub(super) fn hand_out(&mut self, key: u64, session: u32) -> Option<u64> {
        let held = self.0.entry(key).or_default();
        held.session = session;
        held.out += 1;
        let next = held.behind.pop_front();
        held.has_head = next.is_some();
        next
    }

    /// A message waits for the member that has its key. Whether it is the first of them.
    pub(super) fn wait(&mut self, key: u64, position: u64) -> bool {
        let held = self.0.entry(key).or_default();
        if !std::mem::replace(&mut held.has_head, true) {
            return true;
        }
        held.behind.push_back(position);
        false
    }

    /// A message with this key came back.
    pub(super) fn take_back(&mut self, key: u64) {
        if let Some(held) = self.0.get_mut(&key) {
            held.out = held.out.saturating_sub(1);
            if held.out == 0 && held.behind.is_empty() {
                self.0.remove(&key);
            }
        }
    }

    /// All that waits, when nobody has to wait any more.
    pub(super) fn into_waiting(self) -> impl Iterator<Item = u64> {
        self.0.into_values().flat_map(|held| held.behind)
    }
}
