//! A group whose members read whole partitions: who has which, how far each is committed, and how one moves.

use super::group::Sitting;
use super::log::{Budget, Log};
use crate::adapters::offsets::Offsets;
use crate::contract::{Credit, Delivery, Lease, SettleResult, Settlement, Verdict};
use std::time::Duration;
use tokio::time::Instant;

/// The partitions of one topic as one group reads them.
pub(super) struct Partitions {
    all: Vec<Partition>,
    /// Messages that are not finished.
    pub(super) open: usize,
    /// Where the next intake begins, so that every partition has its turn.
    turn: usize,
}

struct Partition {
    committed: u64,
    /// Where its present reader began.
    start: u64,
    /// What is handed out next.
    next: u64,
    done: Offsets,
    /// What its present reader has finished, and what it has in hand.
    finished: u64,
    out: usize,
    /// Since when something waits to be committed.
    noted: Option<Instant>,
    reader: Option<Reader>,
}

struct Reader {
    member: u32,
    session: u32,
    /// It was taken away: another gets it when nothing is out, or at this moment.
    until: Option<Instant>,
}

/// How often the finished prefix is committed, and so what a crash repeats at most.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// How long a partition that is taken away waits for what is out of it.
const HAND_OVER: Duration = Duration::from_secs(30);

impl Partition {
    fn at(position: u64) -> Self {
        Self {
            committed: position,
            start: position,
            next: position,
            done: Offsets::new(position),
            finished: 0,
            out: 0,
            noted: None,
            reader: None,
        }
    }

    /// Commits what the timer would have committed by now.
    fn tick(&mut self) {
        if self.noted.is_some_and(|at| at.elapsed() >= COMMIT_EVERY) {
            self.commit();
        }
    }

    fn commit(&mut self) {
        self.noted = None;
        self.committed = self.committed.max(self.done.finished_below());
    }

    /// Nobody reads it any more. How many that were finished come again.
    fn close(&mut self, commits: bool) -> usize {
        self.tick();
        if commits {
            self.commit();
        }
        let again = self.start + self.finished - self.committed;
        *self = Self::at(self.committed);
        again as usize
    }

    fn is_read_by(&self, member: u32) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.member == member && reader.until.is_none())
    }
}

impl Partitions {
    pub(super) fn new(starts: impl Iterator<Item = u64>, open: usize) -> Self {
        Self { all: starts.map(Partition::at).collect(), open, turn: 0 }
    }

    /// Deals the partitions: as even a share as there is for each member, moving as few as that takes.
    pub(super) fn deal(&mut self, members: &[Sitting], mut session: impl FnMut() -> u32) {
        let now = Instant::now();
        self.hand_over(now);
        for (at, sitting) in members.iter().enumerate() {
            let share = self.all.len() / members.len() + usize::from(at < self.all.len() % members.len());
            let held = self.all.iter_mut().filter(|partition| partition.is_read_by(sitting.member));
            for reader in held.skip(share).filter_map(|partition| partition.reader.as_mut()) {
                sitting.lanes.revoke(reader.session);
                reader.until = Some(now + HAND_OVER);
            }
        }
        self.hand_over(now);
        for (at, sitting) in members.iter().enumerate() {
            let share = self.all.len() / members.len() + usize::from(at < self.all.len() % members.len());
            let held = self.all.iter().filter(|partition| partition.is_read_by(sitting.member)).count();
            let free = self.all.iter_mut().filter(|partition| partition.reader.is_none());
            for partition in free.take(share.saturating_sub(held)) {
                partition.reader = Some(Reader { member: sitting.member, session: session(), until: None });
            }
        }
    }

    /// Frees those that were taken away and have nothing out, or have had their time.
    fn hand_over(&mut self, now: Instant) {
        for partition in &mut self.all {
            let until = partition.reader.as_ref().and_then(|reader| reader.until);
            if until.is_some_and(|until| partition.out == 0 || until <= now) {
                self.open += partition.close(true);
            }
        }
    }

    /// Whether [`Partitions::deal`] would move one.
    pub(super) fn can_move(&self) -> bool {
        self.all.iter().any(|partition| {
            let until = partition.reader.as_ref().and_then(|reader| reader.until);
            until.is_some_and(|until| partition.out == 0 || until <= Instant::now())
        })
    }

    /// When one that was taken away goes to another at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        self.all.iter().filter_map(|partition| partition.reader.as_ref()?.until).min()
    }

    /// Hands out what the budget allows. Where lanes run side by side, each may have its share of the limit out.
    pub(super) fn take(
        &mut self,
        sitting: &Sitting,
        logs: &[Log],
        place: u64,
        budget: &mut Budget,
        into: &mut Vec<Delivery>,
    ) {
        let Credit { messages, .. } = sitting.limit;
        let held = self.all.iter().filter(|partition| partition.is_read_by(sitting.member)).count();
        let share = if sitting.by_lane { (messages / held.max(1)).max(1) } else { usize::MAX };
        self.turn += 1;
        for at in 0..self.all.len() {
            let number = (self.turn + at) % self.all.len();
            let (partition, log) = (&mut self.all[number], &logs[number]);
            let Some(reader) = &partition.reader else { continue };
            if reader.member != sitting.member || reader.until.is_some() {
                continue;
            }
            while partition.out < share && partition.next < log.end() {
                let message = log.at(partition.next);
                if !budget.admits(message) {
                    return;
                }
                let ticket = partition.done.enter(partition.next);
                partition.next += 1;
                partition.out += 1;
                let lease = Lease { lane: reader.session, words: [ticket, place | number as u64] };
                into.push(Delivery { message: message.clone(), attempt: 1, lease });
            }
        }
    }

    pub(super) fn settle(&mut self, settlement: &Settlement, members: &[Sitting]) -> SettleResult {
        let [ticket, place] = settlement.lease.words;
        let Some(partition) = self.all.get_mut(place as u32 as usize) else { return SettleResult::LeaseLost };
        let Some(reader) = partition.reader.as_ref().filter(|reader| reader.session == settlement.lease.lane) else {
            return SettleResult::LeaseLost;
        };
        let by = reader.member;
        let is_moving = reader.until.is_some();
        partition.tick();
        partition.out = partition.out.saturating_sub(1);
        match settlement.verdict {
            Verdict::Done => {
                partition.done.finish(ticket);
                partition.finished += 1;
                partition.noted.get_or_insert_with(Instant::now);
                self.open -= 1;
                SettleResult::Deferred
            }
            // It was never finished, so whoever reads the partition next begins at it, or before.
            Verdict::Release if is_moving || members.iter().any(|other| other.member == by && other.is_stopping) => {
                SettleResult::Deferred
            }
            Verdict::Release | Verdict::RetryAfter(_) => SettleResult::Unsupported,
        }
    }

    /// A member is gone. What it has not committed comes again; a polite one commits.
    pub(super) fn end(&mut self, member: u32, commits: bool) {
        for partition in &mut self.all {
            if partition.reader.as_ref().is_some_and(|reader| reader.member == member) {
                self.open += partition.close(commits);
            }
        }
    }

    /// The sessions in which a member reads.
    pub(super) fn sessions(&self, member: u32) -> impl Iterator<Item = u32> {
        let readers = self.all.iter().filter_map(|partition| partition.reader.as_ref());
        readers.filter(move |reader| reader.member == member).map(|reader| reader.session)
    }

    /// Everything below has been committed.
    pub(super) fn low(&self, partition: usize) -> u64 {
        self.all[partition].committed
    }

    /// Commits now what would be committed within a second.
    pub(super) fn commit(&mut self) {
        self.all.iter_mut().for_each(Partition::commit);
    }

    /// Messages that are not known to be committed.
    pub(super) fn lag(&mut self, logs: &[Log]) -> u64 {
        self.all.iter_mut().for_each(Partition::tick);
        self.all.iter().zip(logs).map(|(partition, log)| log.end() - partition.committed).sum()
    }
}
