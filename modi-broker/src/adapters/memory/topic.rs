//! A topic: a bounded log, the groups that read it, and those who wait for room.

use super::group::Group;
use super::watch::Watch;
use crate::contract::{Receipt, SettleResult, Settled, Settlement};
use crate::{BrokerError, BrokerErrorKind, Message};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

pub(super) struct Topic {
    pub(super) name: Arc<str>,
    capacity: usize,
    pub(super) watch: Arc<Watch>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// The position of the first message that is held.
    pub(super) base: u64,
    pub(super) log: VecDeque<Message>,
    pub(super) groups: Vec<Group>,
    /// Who waits for room, in the order of the calls.
    parked: VecDeque<Parked>,
    tickets: u64,
    history: Vec<Message>,
    has_let_go: bool,
}

struct Parked {
    ticket: u64,
    message: Message,
    confirm: oneshot::Sender<u64>,
}

/// What became of a message.
pub(super) enum Put {
    /// It has this position.
    Taken(u64),
    /// There is no room for it yet.
    Waits(Waiting),
    /// There is not even room to wait.
    Full,
}

/// A message that waits for room.
pub(super) struct Waiting {
    ticket: u64,
    confirmed: oneshot::Receiver<u64>,
}

impl Topic {
    pub(super) fn new(name: Arc<str>, capacity: usize, watch: Arc<Watch>) -> Self {
        Self { name, capacity, watch, state: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message, or parks it while the log is full.
    pub(super) fn put(&self, message: Message) -> Put {
        let mut state = self.lock();
        if state.log.len() < self.capacity || self.let_go(&mut state) {
            return Put::Taken(self.push(&mut state, message));
        }
        if state.parked.len() >= self.capacity {
            return Put::Full;
        }
        let (confirm, confirmed) = oneshot::channel();
        state.tickets += 1;
        let ticket = state.tickets;
        state.parked.push_back(Parked { ticket, message, confirm });
        Put::Waits(Waiting { ticket, confirmed })
    }

    pub(super) fn full(&self, waited: Duration) -> BrokerError {
        let text = format!(
            "topic `{}` is full: {} messages wait for its slowest group, and none was finished within {waited:?}",
            self.name, self.capacity
        );
        BrokerError::new(BrokerErrorKind::Full, text)
    }

    /// Without a group the newest messages are kept, except of dead letters.
    #[cold]
    fn let_go(&self, state: &mut State) -> bool {
        if !state.groups.is_empty() || self.name.starts_with("dead.") {
            return false;
        }
        if !std::mem::replace(&mut state.has_let_go, true) {
            tracing::warn!(
                topic = &*self.name,
                capacity = self.capacity,
                "no group has ever read this topic, and it is full: its oldest messages are let go"
            );
        }
        state.log.pop_front();
        state.base += 1;
        true
    }

    fn push(&self, state: &mut State, message: Message) -> u64 {
        if self.watch.is_recording() {
            self.watch.published(&self.name, &message);
            state.history.push(message.clone());
        }
        state.log.push_back(message);
        let mut active = 0;
        for group in &mut state.groups {
            group.open += 1;
            active += usize::from(group.members > 0);
            group.wakers.drain(..).for_each(Waker::wake);
        }
        if active > 0 {
            self.watch.add(active);
        }
        state.base + state.log.len() as u64 - 1
    }

    pub(super) fn settle(&self, group: usize, items: &mut Vec<Settlement>) -> Settled {
        let mut state = self.lock();
        let settled = &mut state.groups[group];
        let open = settled.open;
        let mut results = None;
        for (at, item) in items.drain(..).enumerate() {
            let result = settled.settle(&item);
            if result != SettleResult::Settled && results.is_none() {
                results = Some(vec![SettleResult::Settled; at]);
            }
            if let Some(results) = &mut results {
                results.push(result);
            }
        }
        settled.advance();
        let finished = open - settled.open;
        if settled.has_again() {
            settled.wakers.drain(..).for_each(Waker::wake);
        }
        let active = settled.members > 0;
        self.trim(&mut state);
        drop(state);
        if active {
            self.watch.take_off(finished);
        }
        results.map_or(Settled::All(SettleResult::Settled), Settled::Each)
    }

    /// Drops what every group has finished, and lets in who waits for that.
    fn trim(&self, state: &mut State) {
        let low = state.groups.iter().map(|group| group.low).min().unwrap_or(state.base);
        let finished = (low - state.base) as usize;
        state.log.drain(..finished);
        state.base = low;
        while state.log.len() < self.capacity
            && let Some(Parked { message, confirm, .. }) = state.parked.pop_front()
        {
            // Nobody waits for the confirmation any more where a publisher was dropped: the message was sent all the same.
            let _gone = confirm.send(self.push(state, message));
        }
    }

    /// Gives up waiting. `None`: the message was taken a moment before.
    fn give_up(&self, ticket: u64) -> Option<Message> {
        let mut state = self.lock();
        let at = state.parked.iter().position(|parked| parked.ticket == ticket)?;
        state.parked.remove(at).map(|parked| parked.message)
    }

    /// The group with this name: a new one begins at the earliest message.
    pub(super) fn group(state: &mut State, name: &Arc<str>) -> usize {
        let known = state.groups.iter().position(|group| group.name == *name);
        known.unwrap_or_else(|| {
            state.groups.push(Group::new(name.clone(), state.base, state.log.len()));
            state.groups.len() - 1
        })
    }

    pub(super) fn lag(&self, group: &str) -> Option<u64> {
        let state = self.lock();
        state.groups.iter().find(|other| &*other.name == group).map(|group| group.open as u64)
    }

    pub(super) fn held(&self) -> Vec<Message> {
        self.lock().log.iter().cloned().collect()
    }

    pub(super) fn history(&self) -> Vec<Message> {
        self.lock().history.clone()
    }
}

/// Waits for room.
pub(super) async fn wait(topic: Arc<Topic>, waiting: Waiting, deadline: Duration) -> Result<Receipt, BrokerError> {
    let Waiting { ticket, mut confirmed } = waiting;
    if let Ok(Ok(position)) = timeout(deadline, &mut confirmed).await {
        return Ok(Receipt::at(position));
    }
    if topic.give_up(ticket).is_none()
        && let Ok(position) = confirmed.try_recv()
    {
        return Ok(Receipt::at(position));
    }
    Err(topic.full(deadline))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str, capacity: usize) -> Topic {
        Topic::new(name.into(), capacity, Arc::default())
    }

    fn payloads(topic: &Topic) -> Vec<String> {
        let text = |message: &Message| String::from_utf8_lossy(message.payload().map_or(&[], |p| &p[..])).into_owned();
        topic.held().iter().map(text).collect()
    }

    #[test]
    fn a_full_topic_without_a_group_keeps_its_newest_messages() {
        let topic = topic("events", 2);
        assert!(["1", "2", "3"].into_iter().all(|text| matches!(topic.put(Message::new(text)), Put::Taken(_))));
        assert_eq!(payloads(&topic), ["2", "3"]);
    }

    #[test]
    fn a_full_dead_letter_topic_lets_none_go() {
        let topic = topic("dead.g.events", 1);
        assert!(matches!(topic.put(Message::new("1")), Put::Taken(0)));
        assert!(matches!(topic.put(Message::new("2")), Put::Waits(_)));
        assert!(matches!(topic.put(Message::new("3")), Put::Full));
        assert_eq!(payloads(&topic), ["1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_room_is_let_in_in_the_order_of_the_calls_or_told_that_it_is_full() {
        let topic = Arc::new(topic("events", 2));
        let group = Topic::group(&mut topic.lock(), &"g".into());
        let member = topic.lock().groups[group].join();
        assert!(["0", "1"].into_iter().all(|text| matches!(topic.put(Message::new(text)), Put::Taken(_))));
        let waiting = ["2", "3"].into_iter().filter_map(|text| match topic.put(Message::new(text)) {
            Put::Waits(waiting) => Some(waiting),
            Put::Taken(_) | Put::Full => None,
        });
        let waiting: Vec<_> = waiting.collect();
        let deadline = Duration::from_secs(5);
        let waits = waiting.into_iter().map(|waiting| tokio::spawn(wait(topic.clone(), waiting, deadline)));
        let waits: Vec<_> = waits.collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut out = Vec::new();
        {
            let mut state = topic.lock();
            let State { base, log, groups, .. } = &mut *state;
            groups[group].take(member, *base, log, 1, &mut out);
        }
        let done = |delivery: crate::contract::Delivery| Settlement {
            lease: delivery.lease,
            verdict: crate::contract::Verdict::Done,
        };
        topic.settle(group, &mut out.into_iter().map(done).collect());
        let mut answers = Vec::new();
        for wait in waits {
            answers.push(wait.await.ok().map(|answer| answer.map_err(|error| error.kind())));
        }
        assert_eq!(answers, [Some(Ok(Receipt::at(2))), Some(Err(BrokerErrorKind::Full))]);
        assert_eq!(payloads(&topic), ["1", "2"]);
    }
}
