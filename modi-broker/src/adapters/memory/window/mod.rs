//! What a group has finished of a log that its members share, what is out, and what comes again.

use super::keys::{Keys, key};
use super::log::{Budget, Log};
use super::profile::Rules;
use crate::contract::{Delivery, Lease, SettleResult, Settlement, Verdict};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::iter::repeat_n;
use tokio::time::Instant;

/// Positions below `low` are finished; the slots go from there to the first message that was never handed out.
pub(super) struct Window {
    pub(super) low: u64,
    slots: VecDeque<Slot>,
    /// What can be handed out again, before anything new, lowest first.
    again: BTreeSet<u64>,
    /// What is handed out again later.
    delayed: BinaryHeap<Reverse<(Instant, u64)>>,
    /// Messages that are not finished.
    pub(super) open: usize,
    /// Where several members have to keep the order of keys.
    keys: Option<Keys>,
    rules: &'static Rules,
}

#[derive(Clone, Copy)]
struct Slot {
    state: State,
    /// How often it was handed out; what was released does not count.
    attempts: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Out(u32),
    Finished,
}

impl Window {
    pub(super) fn new(low: u64, open: usize, rules: &'static Rules) -> Self {
        let (slots, again, delayed) = (VecDeque::new(), BTreeSet::new(), BinaryHeap::new());
        Self { low, slots, again, delayed, open, keys: None, rules }
    }

    /// Hands out what the budget allows.
    pub(super) fn take(&mut self, session: u32, log: &Log, place: u64, budget: &mut Budget, into: &mut Vec<Delivery>) {
        if !self.delayed.is_empty() {
            self.wake_delayed();
        }
        if self.keys.is_some() {
            self.take_by_key(session, log, place, budget, into);
            return;
        }
        while let Some(&position) = self.again.first() {
            if !budget.admits(log.at(position)) {
                return;
            }
            self.again.pop_first();
            into.push(self.hand_out_again(session, log, position, place));
        }
        let cursor = self.low + self.slots.len() as u64;
        let from = (cursor - log.base) as usize;
        let many = log.messages.range(from..).take_while(|message| budget.admits(message)).count();
        // How many they are is known: so nothing grows in between.
        self.slots.extend(repeat_n(Slot { state: State::Out(session), attempts: 1 }, many));
        into.extend((cursor..).zip(log.messages.range(from..from + many)).map(|(position, message)| {
            let lease = Lease { lane: session, words: [position, place] };
            Delivery { message: message.clone(), attempt: 1, lease }
        }));
    }

    /// The same where other members may have the key.
    fn take_by_key(&mut self, session: u32, log: &Log, place: u64, budget: &mut Budget, into: &mut Vec<Delivery>) {
        let mut from = 0;
        while let Some(&position) = self.again.range(from..).next() {
            from = position + 1;
            let message = log.at(position);
            let key = key(message);
            if self.is_elsewhere(key, session) {
                continue;
            }
            if !budget.admits(message) {
                return;
            }
            self.again.remove(&position);
            self.note_out(key, session);
            into.push(self.hand_out_again(session, log, position, place));
        }
        let mut position = self.low + self.slots.len() as u64;
        while position < log.end() {
            let message = log.at(position);
            let key = key(message);
            if self.is_elsewhere(key, session) {
                self.slots.push_back(Slot { state: State::Waiting, attempts: 0 });
                if let (Some(keys), Some(key)) = (&mut self.keys, key)
                    && keys.wait(key, position)
                {
                    self.again.insert(position);
                }
            } else if budget.admits(message) {
                self.slots.push_back(Slot { state: State::Waiting, attempts: 0 });
                self.note_out(key, session);
                into.push(self.hand_out_again(session, log, position, place));
            } else {
                return;
            }
            position += 1;
        }
    }

    fn is_elsewhere(&self, key: Option<u64>, session: u32) -> bool {
        matches!((&self.keys, key), (Some(keys), Some(key)) if !keys.allow(key, session))
    }

    /// The member has the key. What waits behind the message can be handed out now, to the same member.
    fn note_out(&mut self, key: Option<u64>, session: u32) {
        if let (Some(keys), Some(key)) = (&mut self.keys, key) {
            self.again.extend(keys.hand_out(key, session));
        }
    }

    fn hand_out_again(&mut self, session: u32, log: &Log, position: u64, place: u64) -> Delivery {
        let slot = &mut self.slots[(position - self.low) as usize];
        *slot = Slot { state: State::Out(session), attempts: slot.attempts + 1 };
        let lease = Lease { lane: session, words: [position, place] };
        Delivery { message: log.at(position).clone(), attempt: slot.attempts, lease }
    }

    fn wake_delayed(&mut self) {
        let now = Instant::now();
        while let Some(&Reverse((at, position))) = self.delayed.peek()
            && at <= now
        {
            self.delayed.pop();
            self.again.insert(position);
        }
    }

    /// When the first delayed message is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.delayed.peek().map(|Reverse((at, _))| *at)
    }

    /// Something may be handed out that could not be before.
    pub(super) fn has_again(&self) -> bool {
        !self.again.is_empty() || !self.delayed.is_empty()
    }

    /// Settles what was finished in the order in which it was handed out: how many of the first settlements are that.
    pub(super) fn settle_in_order(&mut self, settlements: &[Settlement]) -> usize {
        if self.keys.is_some() {
            return 0;
        }
        let in_order = (self.low..).zip(&self.slots).zip(settlements).take_while(|((position, slot), settlement)| {
            let Settlement { lease: Lease { lane, words: [at, _] }, verdict } = settlement;
            at == position && slot.state == State::Out(*lane) && *verdict == Verdict::Done
        });
        let many = in_order.count();
        self.slots.drain(..many);
        self.low += many as u64;
        self.open -= many;
        many
    }

    #[inline]
    pub(super) fn settle(&mut self, settlement: &Settlement, log: &Log) -> SettleResult {
        let (position, session) = (settlement.lease.words[0], settlement.lease.lane);
        let slot = position.checked_sub(self.low).and_then(|at| self.slots.get_mut(at as usize));
        let Some(slot) = slot.filter(|slot| slot.state == State::Out(session)) else {
            return SettleResult::LeaseLost;
        };
        if let Some(keys) = &mut self.keys
            && let Some(key) = key(log.at(position))
        {
            keys.take_back(key);
        }
        if matches!(settlement.verdict, Verdict::Done) {
            slot.state = State::Finished;
            self.open -= 1;
            return self.rules.answer;
        }
        self.give_back(position, settlement.verdict)
    }

    #[cold]
    fn give_back(&mut self, position: u64, verdict: Verdict) -> SettleResult {
        let slot = &mut self.slots[(position - self.low) as usize];
        slot.state = State::Waiting;
        match verdict {
            _ if !self.rules.at_least_once => {
                slot.state = State::Finished;
                self.open -= 1;
                return SettleResult::Unsupported;
            }
            Verdict::RetryAfter(after) if self.rules.delayed_release => {
                self.delayed.push(Reverse((Instant::now() + after, position)));
            }
            Verdict::RetryAfter(_) => {
                self.again.insert(position);
                return SettleResult::Unsupported;
            }
            Verdict::Release | Verdict::Done => {
                slot.attempts -= 1;
                self.again.insert(position);
            }
        }
        self.rules.answer
    }

    /// Moves over what is finished.
    #[inline]
    pub(super) fn advance(&mut self) {
        while self.slots.front().is_some_and(|slot| slot.state == State::Finished) {
            self.slots.pop_front();
            self.low += 1;
        }
    }

    /// The group has so many members from now on.
    pub(super) fn shared_by(&mut self, members: usize, log: &Log) {
        if members < 2 {
            self.again.extend(self.keys.take().into_iter().flat_map(Keys::into_waiting));
        } else if self.rules.keeps_keys && self.keys.is_none() {
            let mut keys = Keys::default();
            for (position, slot) in (self.low..).zip(&self.slots) {
                if let State::Out(session) = slot.state
                    && let Some(key) = key(log.at(position))
                {
                    keys.hand_out(key, session);
                }
            }
            self.keys = Some(keys);
        }
    }

    /// What a member had in hand comes again, or is gone where nothing comes again.
    pub(super) fn end(&mut self, session: u32, log: &Log) {
        for (position, slot) in (self.low..).zip(&mut self.slots) {
            if slot.state != State::Out(session) {
                continue;
            }
            if let Some(keys) = &mut self.keys
                && let Some(key) = key(log.at(position))
            {
                keys.take_back(key);
            }
            if self.rules.at_least_once {
                slot.state = State::Waiting;
                self.again.insert(position);
            } else {
                slot.state = State::Finished;
                self.open -= 1;
            }
        }
        self.advance();
    }

    /// Forgets everything below.
    pub(super) fn skip_to(&mut self, end: u64) {
        self.slots.clear();
        self.again.clear();
        (self.low, self.open) = (end, 0);
    }
}

#[cfg(test)]
mod tests;
