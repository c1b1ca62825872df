//! A topic: its logs, their bound, and the groups that read them.

use super::answers::Answers;
use super::faults::Plan;
use super::group::{Group, Sessions, Sitting};
use super::log::{Budget, Log};
use super::profile::{Rules, Telling};
use super::room::{Parked, Waiting};
use super::state::State;
use super::watch::Watch;
use crate::contract::{Delivery, Receipt, Settlement, Start};
use crate::sync::{Mutex, MutexGuard};
use crate::{BrokerError, BrokerErrorKind, Message};
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::time::Duration;
use tokio::time::Instant;

pub(super) struct Topic {
    pub(super) name: Arc<str>,
    capacity: usize,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

/// What all topics of a broker have in common.
pub(super) struct Shared {
    pub(super) rules: &'static Rules,
    pub(super) watch: Watch,
    pub(super) sessions: Sessions,
    /// What is going to fail on purpose.
    pub(super) plan: Plan,
}

/// What became of a message.
pub(super) enum Put {
    Taken(Receipt),
    /// There is no room for it yet.
    Waits(Waiting),
    /// There is not even room to wait.
    Full,
}

/// A topic with one log that has room.
pub(super) struct Open<'a> {
    topic: &'a Topic,
    state: MutexGuard<'a, State>,
}

impl Open<'_> {
    /// The position that the message gets.
    #[inline]
    pub(super) fn append(mut self, message: Message) -> u64 {
        self.topic.append(&mut self.state, 0, message)
    }
}

/// What a member of a group finds.
pub(super) enum Found {
    /// What was pushed, or nothing until it is woken, at this moment at the latest.
    Deliveries(Option<Instant>),
    /// The broker forgot what it had in hand.
    ThrownOut,
}

impl Topic {
    pub(super) fn new(name: Arc<str>, capacity: usize, partitions: u32, shared: Arc<Shared>) -> Self {
        let state = State::new(partitions, shared.rules);
        Self { name, capacity, shared, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_dead_letters(&self) -> bool {
        self.name.starts_with("dead.")
    }

    /// For messages about which nothing has to be looked at: open while there is room and no test looks on.
    #[inline]
    pub(super) fn open(&self) -> Option<Open<'_>> {
        let state = self.lock();
        let has_room = state.logs[0].messages.len() + state.later.len() < self.capacity;
        (has_room && !self.shared.watch.is_recording()).then_some(Open { topic: self, state })
    }

    /// Takes a message, or parks it while the topic is full.
    pub(super) fn put(&self, message: Message, partition: Option<u32>) -> Put {
        let mut state = self.lock();
        if state.seen.is_some()
            && let Some(receipt) = state.seen(&message)
        {
            return Put::Taken(receipt);
        }
        if state.held() < self.capacity || self.make_room(&mut state) {
            return Put::Taken(self.push(&mut state, message, partition));
        }
        if state.queue.len() >= self.capacity {
            return Put::Full;
        }
        Put::Waits(state.queue.park(message, partition))
    }

    /// Takes a message that is seen later. It has its room from now on.
    pub(super) fn put_later(&self, message: Message, delay: Duration) -> Put {
        let mut state = self.lock();
        if state.held() >= self.capacity && !self.make_room(&mut state) {
            return Put::Full;
        }
        state.later.add(message, delay);
        // Who waits for a message waits for this moment as well from now on.
        state.groups.iter_mut().for_each(Group::wake);
        self.shared.watch.add(1);
        self.shared.watch.look_again();
        Put::Taken(Receipt::default())
    }

    /// Takes a copy that one group gets later.
    pub(super) fn put_copy(&self, group: &str, of: &Arc<str>, message: Message, after: Duration) -> Put {
        let mut state = self.lock();
        let at = state.find(group, of);
        let at = at.unwrap_or_else(|| self.add_group(&mut state, &group.into(), of, Start::Earliest));
        if state.groups[at].copies.len() >= self.capacity {
            return Put::Full;
        }
        self.change(&mut state, at, |group, _| {
            group.copies.add(message, after);
            group.wake();
        });
        Put::Taken(Receipt::default())
    }

    pub(super) fn full(&self, waited: Duration) -> BrokerError {
        let text = format!(
            "topic `{}` is full: {} messages wait for its slowest group, and none was finished within {waited:?}",
            self.name, self.capacity
        );
        BrokerError::new(BrokerErrorKind::Full, text)
    }

    #[cold]
    fn make_room(&self, state: &mut State) -> bool {
        if !self.shared.rules.at_least_once {
            self.warn(state, "its listeners are too slow, and it is full: messages are let go");
            return true;
        }
        if state.groups.is_empty() && !self.is_dead_letters() {
            self.warn(state, "no group has ever read this topic, and it is full: its oldest messages are let go");
            if let Some(log) = state.logs.iter_mut().max_by_key(|log| log.messages.len()) {
                log.trim(log.base + 1);
            }
            return true;
        }
        state.groups.iter_mut().for_each(Group::commit);
        state.trim();
        state.held() < self.capacity
    }

    fn warn(&self, state: &mut State, why: &'static str) {
        if !std::mem::replace(&mut state.has_let_go, true) {
            tracing::warn!(topic = &*self.name, capacity = self.capacity, "{why}");
        }
    }

    /// Whether anybody will ever get what is put here.
    fn keeps(&self, state: &State) -> bool {
        match self.shared.rules {
            Rules { earliest: true, .. } => true,
            Rules { at_least_once: true, .. } => self.is_dead_letters() || !state.groups.is_empty(),
            _ => state.groups.iter().any(Group::has_members) && state.held() < self.capacity,
        }
    }

    fn push(&self, state: &mut State, message: Message, partition: Option<u32>) -> Receipt {
        let watch = &self.shared.watch;
        if watch.is_recording() {
            watch.published(&self.name, &message);
            state.history.push(message.clone());
        }
        let many = state.logs.len() as u64;
        let at = if many == 1 { 0 } else { state.choose(&message, partition, many) };
        let id = state.seen.as_ref().and_then(|_| message.id_bytes().cloned());
        if !self.keeps(state) {
            return Receipt::default();
        }
        let receipt = self.receipt(at, self.append(state, at, message));
        if let (Some(seen), Some(id)) = (&mut state.seen, id) {
            seen.add(id, &receipt);
        }
        receipt
    }

    /// The position that the message gets.
    #[inline]
    fn append(&self, State { logs, groups, .. }: &mut State, at: usize, message: Message) -> u64 {
        let log = &mut logs[at];
        log.messages.push_back(message);
        let awaited = groups.iter_mut().map(|group| usize::from(group.grow(log))).sum();
        if awaited > 0 {
            self.shared.watch.add(awaited);
        }
        log.end() - 1
    }

    fn receipt(&self, partition: usize, position: u64) -> Receipt {
        match self.shared.rules.receipt {
            Telling::Position => Receipt::at(position),
            Telling::Partition => Receipt { partition: Some(partition as u32), ..Receipt::at(position) },
            Telling::Id => Receipt { id: Some(format!("{position}-0").into()), ..Receipt::default() },
            Telling::Nothing => Receipt::default(),
        }
    }

    /// Lets in what is due.
    pub(super) fn pump(&self) {
        self.let_in(&mut self.lock());
    }

    #[inline]
    fn let_in(&self, state: &mut State) {
        if state.later.len() > 0 {
            self.let_in_late(state);
        }
    }

    #[cold]
    fn let_in_late(&self, state: &mut State) {
        let now = Instant::now();
        while let Some(message) = state.later.pop(now) {
            self.push(state, message, None);
            self.shared.watch.take_off(1);
        }
    }

    /// When the next message comes in that was put here to be seen later.
    pub(super) fn due(&self) -> Option<Instant> {
        self.lock().later.due()
    }

    /// Changes a group, and tells the watch what that came to.
    fn change<T>(&self, state: &mut State, at: usize, change: impl FnOnce(&mut Group, &[Log]) -> T) -> T {
        let State { logs, groups, .. } = state;
        let group = &mut groups[at];
        let before = group.awaited();
        let result = change(group, logs);
        let after = group.awaited();
        if after >= before {
            self.shared.watch.add(after - before);
        } else {
            self.shared.watch.take_off(before - after);
        }
        result
    }

    pub(super) fn take(
        &self,
        (group, member, seat): (usize, u32, u32),
        budget: &mut Budget,
        into: &mut Vec<Delivery>,
        waker: &Waker,
    ) -> Found {
        let mut state = self.lock();
        self.let_in(&mut state);
        let State { logs, groups, later, .. } = &mut *state;
        let group = &mut groups[group];
        if !group.take(member, logs, seat, &self.shared.sessions, budget, into) {
            return Found::ThrownOut;
        }
        if !budget.is_whole() {
            return Found::Deliveries(None);
        }
        group.wait(waker);
        Found::Deliveries([group.due(), later.due()].into_iter().flatten().min())
    }

    pub(super) fn settle(&self, group: usize, items: &[Settlement], answers: &mut Answers) {
        let mut state = self.lock();
        self.change(&mut state, group, |group, logs| {
            let many = group.settle_in_order(items);
            answers.push_many(self.shared.rules.answer, many);
            items[many..].iter().for_each(|item| answers.push(group.settle(item, logs)));
            group.settled(&self.shared.sessions);
        });
        state.trim();
        self.admit(&mut state);
    }

    /// Lets in who waits for room.
    fn admit(&self, state: &mut State) {
        while state.queue.len() > 0
            && state.held() < self.capacity
            && let Some(Parked { message, partition, confirm, .. }) = state.queue.pop()
        {
            // Nobody waits for the confirmation any more where a publisher was dropped: the message was sent all the same.
            let _gone = confirm.send(self.push(state, message, partition));
        }
    }

    /// Gives up waiting. `None`: the message was taken a moment before.
    pub(super) fn give_up(&self, ticket: u64) -> Option<Message> {
        self.lock().queue.remove(ticket)
    }

    /// The group with this name: a new one begins where it wants to, as far as the profile lets it.
    pub(super) fn group(&self, name: &Arc<str>, of: &Arc<str>, start: Start) -> usize {
        let mut state = self.lock();
        let known = state.groups.iter().position(|group| group.name == *name && group.of == *of);
        known.unwrap_or_else(|| self.add_group(&mut state, name, of, start))
    }

    fn add_group(&self, state: &mut State, name: &Arc<str>, of: &Arc<str>, start: Start) -> usize {
        let rules = self.shared.rules;
        let is_early = rules.earliest || (rules.at_least_once && self.is_dead_letters());
        let start = if is_early { start } else { Start::Latest };
        state.groups.push(Group::new(name.clone(), of.clone(), &state.logs, start, rules));
        state.groups.len() - 1
    }

    pub(super) fn join(&self, group: usize, sitting: Sitting) {
        let sessions = &self.shared.sessions;
        self.change(&mut self.lock(), group, |group, logs| group.join(sitting, logs, sessions));
    }

    pub(super) fn leave(&self, group: usize, member: u32) {
        let sessions = &self.shared.sessions;
        let mut state = self.lock();
        self.change(&mut state, group, |group, logs| group.leave(member, logs, sessions));
        state.trim();
        self.admit(&mut state);
    }

    pub(super) fn stop(&self, group: usize, member: u32) {
        self.lock().groups[group].stop(member);
    }

    pub(super) fn has_members(&self) -> bool {
        self.lock().groups.iter().any(Group::has_members)
    }

    pub(super) fn wake(&self) {
        self.lock().groups.iter_mut().for_each(Group::wake);
    }

    pub(super) fn lag(&self, group: &str, of: &str) -> Option<u64> {
        let mut state = self.lock();
        let State { logs, groups, .. } = &mut *state;
        let group = groups.iter_mut().find(|other| &*other.name == group && &*other.of == of)?;
        Some(group.lag(logs))
    }

    /// What a group has not finished, or what waits for one.
    pub(super) fn held(&self) -> Vec<Message> {
        let mut state = self.lock();
        self.let_in(&mut state);
        state.logs.iter().flat_map(|log| log.messages.iter().cloned()).collect()
    }

    pub(super) fn history(&self) -> Vec<Message> {
        self.lock().history.clone()
    }

    /// What was not confirmed is gone, and nobody has anything in hand.
    pub(super) fn crash(&self) {
        let mut state = self.lock();
        state.queue.clear();
        for at in 0..state.groups.len() {
            self.change(&mut state, at, |group, logs| group.crash(logs, &self.shared.sessions));
        }
        state.trim();
    }
}
