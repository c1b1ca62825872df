//! What a group has finished of a log that its members share, what is out, and what comes again.

use super::keys::{Keys, key};
use super::log::{Budget, Log};
use super::profile::Rules;
use crate::contract::{Delivery, Lease, SettleResult, Settlement, Verdict};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
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
        let fresh = log.messages.range((cursor - log.base) as usize..);
        for (position, message) in (cursor..).zip(fresh) {
            if !budget.admits(message) {
                return;
            }
            self.slots.push_back(Slot { state: State::Out(session), attempts: 1 });
            let lease = Lease { lane: session, words: [position, place] };
            into.push(Delivery { message: message.clone(), attempt: 1, lease });
        }
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
        if settlement.verdict == Verdict::Done {
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
mod tests {
    use super::*;
    use crate::Message;
    use crate::adapters::memory::MemoryProfile;
    use crate::contract::Credit;
    use proptest::prelude::*;
    use std::time::Duration;

    const ALL: Credit = Credit { messages: 99, bytes: usize::MAX };

    fn log(messages: u64) -> Log {
        Log { base: 0, messages: (0..messages).map(|number| Message::new(number.to_string())).collect() }
    }

    fn window(open: usize) -> Window {
        Window::new(0, open, MemoryProfile::Native.rules())
    }

    fn take(window: &mut Window, session: u32, log: &Log, messages: usize) -> Vec<Delivery> {
        let mut into = Vec::new();
        window.take(session, log, 0, &mut Budget::new(Credit { messages, ..ALL }), &mut into);
        into
    }

    fn settle(window: &mut Window, log: &Log, delivery: Delivery, verdict: Verdict) -> SettleResult {
        let result = window.settle(&Settlement { lease: delivery.lease, verdict }, log);
        window.advance();
        result
    }

    fn positions(deliveries: &[Delivery]) -> Vec<(u64, u32)> {
        deliveries.iter().map(|delivery| (delivery.lease.words[0], delivery.attempt)).collect()
    }

    #[test]
    fn the_finished_prefix_grows_over_holes() {
        let (log, mut window) = (log(3), window(3));
        let mut out = take(&mut window, 1, &log, 9);
        let (third, second, first) = (out.remove(2), out.remove(1), out.remove(0));
        assert_eq!(settle(&mut window, &log, second, Verdict::Done), SettleResult::Settled);
        assert_eq!((window.low, window.open), (0, 2));
        settle(&mut window, &log, first, Verdict::Done);
        assert_eq!((window.low, window.open), (2, 1));
        settle(&mut window, &log, third, Verdict::Done);
        assert_eq!((window.low, window.open), (3, 0));
    }

    #[test]
    fn what_is_released_comes_first_and_does_not_count() {
        let (log, mut window) = (log(3), window(3));
        let mut out = take(&mut window, 1, &log, 2);
        settle(&mut window, &log, out.remove(1), Verdict::Release);
        assert_eq!(positions(&take(&mut window, 1, &log, 9)), [(1, 1), (2, 1)]);
    }

    #[test]
    fn what_a_member_that_left_had_in_hand_comes_again_and_counts() {
        let (log, mut window) = (log(2), window(2));
        let mut out = take(&mut window, 1, &log, 9);
        window.end(1, &log);
        assert_eq!(settle(&mut window, &log, out.remove(0), Verdict::Done), SettleResult::LeaseLost);
        assert_eq!(positions(&take(&mut window, 2, &log, 9)), [(0, 2), (1, 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_is_not_early() {
        let (log, mut window) = (log(1), window(1));
        let mut out = take(&mut window, 1, &log, 1);
        settle(&mut window, &log, out.remove(0), Verdict::RetryAfter(Duration::from_secs(3)));
        tokio::time::advance(Duration::from_millis(2_999)).await;
        assert!(take(&mut window, 1, &log, 1).is_empty());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(positions(&take(&mut window, 1, &log, 1)), [(0, 2)]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Arrive(Option<u8>),
        Take { member: usize, messages: usize },
        Done(usize),
        Release(usize),
        Join,
        Leave(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => prop::option::weighted(0.8, 0..3_u8).prop_map(Step::Arrive),
            5 => (0..3_usize, 1..4_usize).prop_map(|(member, messages)| Step::Take { member, messages }),
            5 => (0..16_usize).prop_map(Step::Done),
            1 => (0..16_usize).prop_map(Step::Release),
            1 => Just(Step::Join),
            1 => (0..3_usize).prop_map(Step::Leave),
        ]
    }

    /// Members, and what each has in hand.
    struct Model {
        window: Window,
        log: Log,
        members: Vec<u32>,
        next: u32,
        out: Vec<(u32, Delivery)>,
        done: Vec<u64>,
    }

    impl Model {
        fn key(&self, position: u64) -> Option<Vec<u8>> {
            self.log.at(position).key().map(|key| key.to_vec())
        }

        fn take(&mut self, session: u32, messages: usize) -> usize {
            let taken = take(&mut self.window, session, &self.log, messages);
            for delivery in &taken {
                let position = delivery.lease.words[0];
                let Some(key) = self.key(position) else { continue };
                let elsewhere = self
                    .out
                    .iter()
                    .find(|(by, other)| *by != session && self.key(other.lease.words[0]).as_ref() == Some(&key));
                assert!(elsewhere.is_none(), "{key:?} is at {elsewhere:?}, and {session} gets {position}");
                let skipped = (0..position).find(|earlier| {
                    let is_in_hand = |by: &[Delivery]| by.iter().any(|other| other.lease.words[0] == *earlier);
                    self.key(*earlier).as_ref() == Some(&key)
                        && !self.done.contains(earlier)
                        && !self.out.iter().any(|(_, other)| other.lease.words[0] == *earlier)
                        && !is_in_hand(&taken)
                });
                assert_eq!(skipped, None, "handed out behind {position}");
            }
            let many = taken.len();
            self.out.extend(taken.into_iter().map(|delivery| (session, delivery)));
            many
        }

        fn settle(&mut self, which: usize, verdict: Verdict) {
            if self.out.is_empty() {
                return;
            }
            let (_, delivery) = self.out.remove(which % self.out.len());
            let position = delivery.lease.words[0];
            assert_eq!(settle(&mut self.window, &self.log, delivery, verdict), SettleResult::Settled);
            if verdict == Verdict::Done {
                self.done.push(position);
            }
        }

        fn step(&mut self, step: &Step) {
            match step {
                Step::Arrive(key) => {
                    let message = Message::new("x");
                    self.log.messages.push_back(match key {
                        Some(key) => message.with_key(vec![*key]),
                        None => message,
                    });
                    self.window.open += 1;
                }
                Step::Take { member, messages } => {
                    let session = self.members[member % self.members.len()];
                    self.take(session, *messages);
                }
                Step::Done(which) => self.settle(*which, Verdict::Done),
                Step::Release(which) => self.settle(*which, Verdict::Release),
                Step::Join if self.members.len() < 3 => {
                    self.next += 1;
                    self.members.push(self.next);
                    self.window.shared_by(self.members.len(), &self.log);
                }
                Step::Leave(member) if self.members.len() > 1 => {
                    let session = self.members.remove(member % self.members.len());
                    self.out.retain(|(by, _)| *by != session);
                    self.window.end(session, &self.log);
                    self.window.shared_by(self.members.len(), &self.log);
                }
                Step::Join | Step::Leave(_) => {}
            }
        }
    }

    proptest! {
        #[test]
        fn no_two_members_have_a_key_its_order_is_kept_and_everything_is_handed_out_once(
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let (window, log) = (window(0), log(0));
            let mut model = Model { window, log, members: vec![1], next: 1, out: Vec::new(), done: Vec::new() };
            for step in &steps {
                model.step(step);
            }
            // Any one member gets the rest when the others have nothing in hand.
            while !model.out.is_empty() {
                model.settle(0, Verdict::Done);
            }
            let session = model.members[0];
            while model.take(session, 2) > 0 {
                model.settle(0, Verdict::Done);
                model.settle(0, Verdict::Done);
            }
            model.done.sort_unstable();
            prop_assert_eq!(model.done, (0..model.log.end()).collect::<Vec<_>>());
            prop_assert_eq!((model.window.open, model.window.low), (0, model.log.end()));
        }
    }
}
