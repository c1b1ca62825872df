//! Who waits for room in a full topic, and messages whose time has not come.

use super::topic::Topic;
use crate::contract::Receipt;
use crate::{BrokerError, BrokerErrorKind, Message};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// In the order of the calls.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Parked>,
    tickets: u64,
}

/// A message that is not taken yet.
pub(super) struct Parked {
    ticket: u64,
    pub(super) message: Message,
    pub(super) partition: Option<u32>,
    pub(super) confirm: oneshot::Sender<Receipt>,
}

/// Its sender's side.
pub(super) struct Waiting {
    ticket: u64,
    confirmed: oneshot::Receiver<Receipt>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn park(&mut self, message: Message, partition: Option<u32>) -> Waiting {
        let (confirm, confirmed) = oneshot::channel();
        self.tickets += 1;
        let ticket = self.tickets;
        self.waiting.push_back(Parked { ticket, message, partition, confirm });
        Waiting { ticket, confirmed }
    }

    pub(super) fn pop(&mut self) -> Option<Parked> {
        self.waiting.pop_front()
    }

    /// Takes a message back. `None`: it was taken a moment before.
    pub(super) fn remove(&mut self, ticket: u64) -> Option<Message> {
        let at = self.waiting.iter().position(|parked| parked.ticket == ticket)?;
        self.waiting.remove(at).map(|parked| parked.message)
    }

    /// The broker forgets them all: their senders are told.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// Waits for room.
pub(super) async fn wait(topic: Arc<Topic>, waiting: Waiting, deadline: Duration) -> Result<Receipt, BrokerError> {
    let Waiting { ticket, mut confirmed } = waiting;
    match timeout(deadline, &mut confirmed).await {
        Ok(Ok(receipt)) => return Ok(receipt),
        Ok(Err(_)) => {
            let text = format!("topic `{}`: the broker stopped before it took the message", topic.name);
            return Err(BrokerError::new(BrokerErrorKind::Unavailable, text));
        }
        Err(_) => {}
    }
    if topic.give_up(ticket).is_none()
        && let Ok(receipt) = confirmed.try_recv()
    {
        return Ok(receipt);
    }
    Err(topic.full(deadline))
}

/// Messages that are seen later, by their time.
#[derive(Default)]
pub(super) struct Later {
    times: BinaryHeap<Reverse<(Instant, u64)>>,
    messages: VecDeque<Option<Message>>,
    /// The number of the first of them.
    first: u64,
}

impl Later {
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    pub(super) fn add(&mut self, message: Message, delay: Duration) {
        let number = self.first + self.messages.len() as u64;
        self.times.push(Reverse((Instant::now() + delay, number)));
        self.messages.push_back(Some(message));
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.times.peek().map(|Reverse((at, _))| *at)
    }

    /// The next one whose time has come.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Message> {
        let Reverse((at, number)) = *self.times.peek()?;
        if at > now {
            return None;
        }
        self.times.pop();
        let message = self.messages.get_mut((number - self.first) as usize).and_then(Option::take);
        while let Some(None) = self.messages.front() {
            self.messages.pop_front();
            self.first += 1;
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::memory::topic::Put;
    use crate::adapters::memory::{MemoryBroker, Topic};

    fn topic(name: &str, capacity: usize) -> Arc<Topic> {
        MemoryBroker::new().with_capacity(capacity).place_of(name)
    }

    fn put(topic: &Topic, text: &'static str) -> Put {
        topic.put(Message::new(text), None)
    }

    fn payloads(topic: &Topic) -> Vec<String> {
        let text = |message: &Message| String::from_utf8_lossy(message.payload().map_or(&[], |p| &p[..])).into_owned();
        topic.held().iter().map(text).collect()
    }

    #[test]
    fn a_full_topic_without_a_group_keeps_its_newest_messages() {
        let topic = topic("events", 2);
        assert!(["1", "2", "3"].into_iter().all(|text| matches!(put(&topic, text), Put::Taken(_))));
        assert_eq!(payloads(&topic), ["2", "3"]);
    }

    #[test]
    fn a_full_dead_letter_topic_lets_none_go() {
        let topic = topic("dead.g.events", 1);
        assert!(matches!(put(&topic, "1"), Put::Taken(_)));
        assert!(matches!(put(&topic, "2"), Put::Waits(_)));
        assert!(matches!(put(&topic, "3"), Put::Full));
        assert_eq!(payloads(&topic), ["1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn messages_come_in_at_their_time_whatever_the_order_in_which_they_were_put() {
        let mut later = Later::default();
        for (text, seconds) in [("3", 3), ("1", 1), ("2", 2), ("1 as well", 1)] {
            later.add(Message::new(text), Duration::from_secs(seconds));
        }
        let mut seen = Vec::new();
        for _ in 0..4 {
            tokio::time::advance(Duration::from_secs(1)).await;
            while let Some(message) = later.pop(Instant::now()) {
                seen.push(String::from_utf8_lossy(message.payload().map_or(&[], |p| &p[..])).into_owned());
            }
            seen.push("-".to_owned());
        }
        assert_eq!(seen, ["1", "1 as well", "-", "2", "-", "3", "-", "-"]);
        assert_eq!((later.len(), later.messages.len()), (0, 0));
    }
}
