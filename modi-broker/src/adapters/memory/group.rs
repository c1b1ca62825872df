//! A group: who is in it, and what it reads.

use super::copies::Copies;
use super::log::{Budget, Log};
use super::partitions::Partitions;
use super::profile::Rules;
use super::window::Window;
use crate::contract::{Credit, Delivery, Lanes, SettleResult, Settlement, Start};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Waker;
use tokio::time::Instant;

/// What a group has of one topic.
pub(super) struct Group {
    pub(super) name: Arc<str>,
    /// What it listens to: the topic, or a pattern that matches it.
    pub(super) of: Arc<str>,
    reading: Reading,
    pub(super) copies: Copies,
    members: Vec<Sitting>,
    wakers: Vec<Waker>,
    rules: &'static Rules,
}

enum Reading {
    /// One log for all members.
    Shared(Window),
    /// Partitions, each read by one of them.
    Dealt(Partitions),
}

/// A member at one topic.
pub(super) struct Sitting {
    pub(super) member: u32,
    /// What it has in hand carries this number; it changes when the broker forgets what it has in hand.
    pub(super) session: u32,
    pub(super) lanes: Arc<Lanes>,
    pub(super) limit: Credit,
    pub(super) by_lane: bool,
    /// It takes nothing more.
    pub(super) is_stopping: bool,
    /// It was thrown out and let in again, and does not know yet.
    is_new: bool,
}

/// Numbers of sessions: none is used twice.
#[derive(Debug, Default)]
pub(super) struct Sessions(AtomicU32);

impl Sessions {
    pub(super) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// In the second word of a lease, in the place of a partition.
const COPY: u64 = u32::MAX as u64;

impl Sitting {
    pub(super) fn new(member: u32, session: u32, lanes: &Arc<Lanes>, limit: Credit, by_lane: bool) -> Self {
        Self { member, session, lanes: lanes.clone(), limit, by_lane, is_stopping: false, is_new: false }
    }
}

impl Group {
    pub(super) fn new(name: Arc<str>, of: Arc<str>, logs: &[Log], start: Start, rules: &'static Rules) -> Self {
        let from = |log: &Log| if start == Start::Earliest { log.base } else { log.end() };
        let open = logs.iter().map(|log| (log.end() - from(log)) as usize).sum();
        let reading = match logs {
            [log] if rules.partitions == 0 => Reading::Shared(Window::new(from(log), open, rules)),
            logs => Reading::Dealt(Partitions::new(logs.iter().map(from), open)),
        };
        Self { name, of, reading, copies: Copies::default(), members: Vec::new(), wakers: Vec::new(), rules }
    }

    pub(super) fn has_members(&self) -> bool {
        !self.members.is_empty()
    }

    /// What a member still has to finish; nothing where there is no member.
    pub(super) fn awaited(&self) -> usize {
        if self.has_members() { self.open() } else { 0 }
    }

    /// Messages that are not finished.
    pub(super) fn open(&self) -> usize {
        let read = match &self.reading {
            Reading::Shared(window) => window.open,
            Reading::Dealt(partitions) => partitions.open,
        };
        read + self.copies.len()
    }

    pub(super) fn lag(&mut self, logs: &[Log]) -> u64 {
        let read = match &mut self.reading {
            Reading::Shared(window) => window.open as u64,
            Reading::Dealt(partitions) => partitions.lag(logs),
        };
        read + self.copies.len() as u64
    }

    /// The first position of a log that it still needs.
    #[inline]
    pub(super) fn low(&self, partition: usize) -> u64 {
        match &self.reading {
            Reading::Shared(window) => window.low,
            Reading::Dealt(partitions) => partitions.low(partition),
        }
    }

    /// A message came in. Whether a member is there.
    #[inline]
    pub(super) fn grow(&mut self, log: &Log) -> bool {
        let has_members = !self.members.is_empty();
        match &mut self.reading {
            Reading::Shared(window) if has_members || self.rules.at_least_once => window.open += 1,
            // Nobody listens, and nothing is kept for later.
            Reading::Shared(window) => window.skip_to(log.end()),
            Reading::Dealt(partitions) => partitions.open += 1,
        }
        if !self.wakers.is_empty() {
            self.wake();
        }
        has_members
    }

    pub(super) fn join(&mut self, sitting: Sitting, logs: &[Log], sessions: &Sessions) {
        self.members.push(sitting);
        self.shared_anew(logs, sessions);
    }

    /// What the member had in hand comes again.
    pub(super) fn leave(&mut self, member: u32, logs: &[Log], sessions: &Sessions) {
        let Some(at) = self.members.iter().position(|sitting| sitting.member == member) else { return };
        let sitting = self.members.remove(at);
        self.end(&sitting, logs);
        self.shared_anew(logs, sessions);
    }

    /// The broker forgets what the members have in hand, and what was not committed. They stay, in new sessions.
    pub(super) fn crash(&mut self, logs: &[Log], sessions: &Sessions) {
        let mut members = std::mem::take(&mut self.members);
        for sitting in &mut members {
            sitting.lanes.revoke(sitting.session);
            if let Reading::Dealt(partitions) = &self.reading {
                partitions.sessions(sitting.member).for_each(|session| sitting.lanes.revoke(session));
            }
            // Whoever was about to leave politely commits no more.
            sitting.is_stopping = false;
            self.end(sitting, logs);
            (sitting.session, sitting.is_new) = (sessions.next(), true);
        }
        self.members = members;
        self.shared_anew(logs, sessions);
    }

    fn end(&mut self, sitting: &Sitting, logs: &[Log]) {
        self.copies.end(sitting.session);
        match &mut self.reading {
            Reading::Shared(window) => {
                window.end(sitting.session, &logs[0]);
                if self.members.is_empty() && !self.rules.at_least_once {
                    window.skip_to(logs[0].end());
                }
            }
            Reading::Dealt(partitions) => partitions.end(sitting.member, sitting.is_stopping),
        }
    }

    fn shared_anew(&mut self, logs: &[Log], sessions: &Sessions) {
        match &mut self.reading {
            Reading::Shared(window) => window.shared_by(self.members.len(), &logs[0]),
            Reading::Dealt(partitions) if !self.members.is_empty() => {
                partitions.deal(&self.members, || sessions.next());
            }
            Reading::Dealt(_) => {}
        }
        self.wake();
    }

    /// The member takes nothing more, and is going to leave.
    pub(super) fn stop(&mut self, member: u32) {
        self.members
            .iter_mut()
            .filter(|sitting| sitting.member == member)
            .for_each(|sitting| sitting.is_stopping = true);
    }

    /// Hands out what the budget allows. Whether the member is what it takes itself for: it was thrown out otherwise.
    #[inline]
    pub(super) fn take(
        &mut self,
        member: u32,
        logs: &[Log],
        seat: u32,
        sessions: &Sessions,
        budget: &mut Budget,
        into: &mut Vec<Delivery>,
    ) -> bool {
        let Some(sitting) = self.members.iter_mut().find(|sitting| sitting.member == member) else { return false };
        if std::mem::take(&mut sitting.is_new) {
            return false;
        }
        let place = u64::from(seat) << 32;
        self.copies.take(sitting.session, place | COPY, self.rules, budget, into);
        match &mut self.reading {
            Reading::Shared(window) => window.take(sitting.session, &logs[0], place, budget, into),
            Reading::Dealt(partitions) => {
                let sitting = &*sitting;
                partitions.take(sitting, logs, place, budget, into);
                if budget.is_whole() && partitions.can_move() {
                    partitions.deal(&self.members, || sessions.next());
                    if let Some(sitting) = self.members.iter().find(|sitting| sitting.member == member) {
                        partitions.take(sitting, logs, place, budget, into);
                    }
                }
            }
        }
        true
    }

    /// When something can be handed out that cannot be now.
    pub(super) fn due(&self) -> Option<Instant> {
        let read = match &self.reading {
            Reading::Shared(window) => window.due(),
            Reading::Dealt(partitions) => partitions.due(),
        };
        [read, self.copies.due()].into_iter().flatten().min()
    }

    /// Settles what was finished in the order in which it was handed out: how many of the first settlements are that.
    pub(super) fn settle_in_order(&mut self, settlements: &[Settlement]) -> usize {
        match &mut self.reading {
            Reading::Shared(window) if self.copies.len() == 0 => window.settle_in_order(settlements),
            _ => 0,
        }
    }

    #[inline]
    pub(super) fn settle(&mut self, settlement: &Settlement, logs: &[Log]) -> SettleResult {
        if settlement.lease.words[1] & COPY == COPY {
            return self.copies.settle(settlement, self.rules);
        }
        match &mut self.reading {
            Reading::Shared(window) => window.settle(settlement, &logs[0]),
            Reading::Dealt(partitions) => partitions.settle(settlement, &self.members),
        }
    }

    /// After settlements: moves on, and wakes those who may go on.
    #[inline]
    pub(super) fn settled(&mut self, sessions: &Sessions) {
        let may_go_on = match &mut self.reading {
            Reading::Shared(window) => {
                window.advance();
                window.has_again()
            }
            Reading::Dealt(partitions) => {
                let moves = partitions.can_move();
                if moves {
                    partitions.deal(&self.members, || sessions.next());
                }
                moves
            }
        };
        if may_go_on || self.copies.len() > 0 {
            self.wake();
        }
    }

    /// Makes room in the logs where that is possible.
    pub(super) fn commit(&mut self) {
        if let Reading::Dealt(partitions) = &mut self.reading {
            partitions.commit();
        }
    }

    #[cold]
    pub(super) fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    pub(super) fn wait(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|other| other.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }
}
