//! What a group has finished of a topic, what is out, and what comes again.

use crate::Message;
use crate::contract::{Delivery, Lease, SettleResult, Settlement, Verdict};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::task::Waker;
use tokio::time::Instant;

/// Positions count from the first message of the topic. Those below `low` are finished; the window goes from there to the
/// cursor.
pub(super) struct Group {
    pub(super) name: Arc<str>,
    pub(super) low: u64,
    window: VecDeque<Slot>,
    /// What was handed back: handed out again before anything new, lowest first.
    again: BTreeSet<u64>,
    /// What is handed out again later.
    delayed: BinaryHeap<Reverse<(Instant, u64)>>,
    /// Messages of the topic that are not finished.
    pub(super) open: usize,
    pub(super) members: usize,
    next_member: u32,
    pub(super) wakers: Vec<Waker>,
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

impl Group {
    /// Begins at the earliest message.
    pub(super) fn new(name: Arc<str>, base: u64, held: usize) -> Self {
        Self {
            name,
            low: base,
            window: VecDeque::new(),
            again: BTreeSet::new(),
            delayed: BinaryHeap::new(),
            open: held,
            members: 0,
            next_member: 0,
            wakers: Vec::new(),
        }
    }

    pub(super) fn join(&mut self) -> u32 {
        self.members += 1;
        self.next_member += 1;
        self.next_member
    }

    /// What the member had in hand comes again.
    pub(super) fn leave(&mut self, member: u32) {
        self.members -= 1;
        for (at, slot) in self.window.iter_mut().enumerate() {
            if slot.state == State::Out(member) {
                slot.state = State::Waiting;
                self.again.insert(self.low + at as u64);
            }
        }
    }

    /// Hands out at most `credit` messages.
    pub(super) fn take(
        &mut self,
        member: u32,
        base: u64,
        log: &VecDeque<Message>,
        credit: usize,
        into: &mut Vec<Delivery>,
    ) {
        if !self.delayed.is_empty() {
            self.wake_delayed();
        }
        let message = |position: u64| log[(position - base) as usize].clone();
        let lease = |position: u64| Lease { lane: 0, words: [position, u64::from(member)] };
        while into.len() < credit
            && let Some(position) = self.again.pop_first()
        {
            let slot = &mut self.window[(position - self.low) as usize];
            *slot = Slot { state: State::Out(member), attempts: slot.attempts + 1 };
            into.push(Delivery { message: message(position), attempt: slot.attempts, lease: lease(position) });
        }
        let cursor = self.low + self.window.len() as u64;
        let from = (cursor - base) as usize;
        let fresh = (log.len() - from).min(credit - into.len());
        for (at, message) in log.range(from..from + fresh).enumerate() {
            self.window.push_back(Slot { state: State::Out(member), attempts: 1 });
            into.push(Delivery { message: message.clone(), attempt: 1, lease: lease(cursor + at as u64) });
        }
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

    /// Something can be handed out that could not be before.
    pub(super) fn has_again(&self) -> bool {
        !self.again.is_empty() || !self.delayed.is_empty()
    }

    pub(super) fn settle(&mut self, settlement: &Settlement) -> SettleResult {
        let [position, member] = settlement.lease.words;
        let slot = position.checked_sub(self.low).and_then(|at| self.window.get_mut(at as usize));
        let Some(slot) = slot.filter(|slot| matches!(slot.state, State::Out(by) if u64::from(by) == member)) else {
            return SettleResult::LeaseLost;
        };
        match settlement.verdict {
            Verdict::Done => {
                slot.state = State::Finished;
                self.open -= 1;
            }
            Verdict::Release => {
                *slot = Slot { state: State::Waiting, attempts: slot.attempts - 1 };
                self.again.insert(position);
            }
            Verdict::RetryAfter(after) => {
                slot.state = State::Waiting;
                self.delayed.push(Reverse((Instant::now() + after, position)));
            }
        }
        SettleResult::Settled
    }

    /// Moves over what is finished.
    pub(super) fn advance(&mut self) {
        while self.window.front().is_some_and(|slot| slot.state == State::Finished) {
            self.window.pop_front();
            self.low += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn log(messages: u64) -> VecDeque<Message> {
        (0..messages).map(|number| Message::new(number.to_string())).collect()
    }

    fn take(group: &mut Group, member: u32, log: &VecDeque<Message>, credit: usize) -> Vec<Delivery> {
        let mut into = Vec::new();
        group.take(member, 0, log, credit, &mut into);
        into
    }

    fn settle(group: &mut Group, delivery: Delivery, verdict: Verdict) -> SettleResult {
        let result = group.settle(&Settlement { lease: delivery.lease, verdict });
        group.advance();
        result
    }

    fn positions(deliveries: &[Delivery]) -> Vec<(u64, u32)> {
        deliveries.iter().map(|delivery| (delivery.lease.words[0], delivery.attempt)).collect()
    }

    #[test]
    fn the_finished_prefix_grows_over_holes() {
        let (log, mut group) = (log(3), Group::new("g".into(), 0, 3));
        let member = group.join();
        let mut out = take(&mut group, member, &log, 9);
        let (third, second, first) = (out.remove(2), out.remove(1), out.remove(0));
        assert_eq!(settle(&mut group, second, Verdict::Done), SettleResult::Settled);
        assert_eq!((group.low, group.open), (0, 2));
        settle(&mut group, first, Verdict::Done);
        assert_eq!((group.low, group.open), (2, 1));
        settle(&mut group, third, Verdict::Done);
        assert_eq!((group.low, group.open), (3, 0));
    }

    #[test]
    fn what_is_released_comes_first_and_does_not_count() {
        let (log, mut group) = (log(3), Group::new("g".into(), 0, 3));
        let member = group.join();
        let mut out = take(&mut group, member, &log, 2);
        settle(&mut group, out.remove(1), Verdict::Release);
        assert_eq!(positions(&take(&mut group, member, &log, 9)), [(1, 1), (2, 1)]);
    }

    #[test]
    fn what_a_member_that_left_had_in_hand_comes_again_and_counts() {
        let (log, mut group) = (log(2), Group::new("g".into(), 0, 2));
        let (first, second) = (group.join(), group.join());
        let mut out = take(&mut group, first, &log, 9);
        group.leave(first);
        assert_eq!(settle(&mut group, out.remove(0), Verdict::Done), SettleResult::LeaseLost);
        assert_eq!(positions(&take(&mut group, second, &log, 9)), [(0, 2), (1, 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_is_not_early() {
        let (log, mut group) = (log(1), Group::new("g".into(), 0, 1));
        let member = group.join();
        let mut out = take(&mut group, member, &log, 1);
        settle(&mut group, out.remove(0), Verdict::RetryAfter(Duration::from_secs(3)));
        tokio::time::advance(Duration::from_millis(2_999)).await;
        assert!(take(&mut group, member, &log, 1).is_empty());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(positions(&take(&mut group, member, &log, 1)), [(0, 2)]);
    }
}
