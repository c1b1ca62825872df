//! Messages that one group gets later, and nobody else.

use super::log::Budget;
use super::profile::Rules;
use crate::Message;
use crate::contract::{Delivery, Lease, SettleResult, Settlement, Verdict};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Delayed copies, by number. They outlive the members of the group.
#[derive(Default)]
pub(super) struct Copies {
    all: BTreeMap<u64, Copy>,
    waiting: BinaryHeap<Reverse<(Instant, u64)>>,
    /// Their time has come, in that order.
    ready: VecDeque<u64>,
    next: u64,
}

struct Copy {
    message: Message,
    attempts: u32,
    /// The session of the member that has it.
    out: Option<u32>,
}

impl Copies {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn add(&mut self, message: Message, after: Duration) {
        let number = self.next;
        self.next += 1;
        self.all.insert(number, Copy { message, attempts: 0, out: None });
        self.wait(number, after);
    }

    fn wait(&mut self, number: u64, after: Duration) {
        self.waiting.push(Reverse((Instant::now() + after, number)));
    }

    /// Hands out those whose time has come.
    #[inline]
    pub(super) fn take(
        &mut self,
        session: u32,
        place: u64,
        rules: &Rules,
        budget: &mut Budget,
        into: &mut Vec<Delivery>,
    ) {
        if !self.all.is_empty() {
            self.take_ready(session, place, rules, budget, into);
        }
    }

    #[cold]
    fn take_ready(&mut self, session: u32, place: u64, rules: &Rules, budget: &mut Budget, into: &mut Vec<Delivery>) {
        let now = Instant::now();
        while let Some(&Reverse((at, number))) = self.waiting.peek()
            && at <= now
        {
            self.waiting.pop();
            self.ready.push_back(number);
        }
        while let Some(number) = self.ready.front()
            && let Some(copy) = self.all.get_mut(number)
            && budget.admits(&copy.message)
        {
            copy.out = Some(session);
            copy.attempts += 1;
            let attempt = if rules.counts_attempts { copy.attempts } else { 1 };
            let lease = Lease { lane: session, words: [*number, place] };
            into.push(Delivery { message: copy.message.clone(), attempt, lease });
            self.ready.pop_front();
        }
    }

    /// When the next one is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn settle(&mut self, settlement: &Settlement, rules: &Rules) -> SettleResult {
        let number = settlement.lease.words[0];
        let copy = self.all.get_mut(&number).filter(|copy| copy.out == Some(settlement.lease.lane));
        let Some(copy) = copy else { return SettleResult::LeaseLost };
        copy.out = None;
        match settlement.verdict {
            Verdict::Done => {
                self.all.remove(&number);
            }
            Verdict::RetryAfter(after) if rules.delayed_release => self.wait(number, after),
            Verdict::RetryAfter(_) => {
                self.ready.push_front(number);
                return SettleResult::Unsupported;
            }
            Verdict::Release => {
                copy.attempts -= 1;
                self.ready.push_front(number);
            }
        }
        rules.answer
    }

    /// What a member had in hand comes again.
    pub(super) fn end(&mut self, session: u32) {
        for (number, copy) in self.all.iter_mut().rev() {
            if copy.out == Some(session) {
                copy.out = None;
                self.ready.push_front(*number);
            }
        }
    }
}
