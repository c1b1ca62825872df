//! The sending side: which topic, what the profile refuses, what a publication came to.

use super::replies::Expected;
use super::topic::{Put, Topic};
use super::{MemoryBroker, room};
use crate::contract::{Abilities, Answer, Outgoing, Place, Publish, Receipt};
use crate::{BrokerError, BrokerErrorKind, Message};
use futures_util::future::{BoxFuture, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// What publishing comes to.
pub(super) type Published = Answer<Result<Receipt, BrokerError>>;

/// It remembers the last topic: most publishers have one.
pub(super) struct Publisher {
    of: MemoryBroker,
    last: Mutex<Option<Arc<Topic>>>,
}

impl Publisher {
    pub(super) fn new(of: MemoryBroker) -> Self {
        Self { of, last: Mutex::new(None) }
    }

    fn topic(&self, name: &str) -> Result<Arc<Topic>, BrokerError> {
        let mut last = self.last();
        match &*last {
            Some(topic) if *topic.name == *name => Ok(topic.clone()),
            _ => Ok(last.insert(self.of.topic(name)?).clone()),
        }
    }

    #[cold]
    fn send_otherwise(&self, outgoing: Outgoing<'_>) -> Published {
        if !self.of.inner.shared.plan.is_armed() {
            return self.of.send(outgoing, |name| self.topic(name));
        }
        match self.of.inner.shared.plan.judge(&outgoing.place) {
            Err(error) => Answer::Now(Err(error)),
            Ok(fate) => fate.of(self.of.send(outgoing, |name| self.topic(name))),
        }
    }

    /// Nothing about it has to be looked at, in this profile.
    #[inline]
    fn is_plain(&self, outgoing: &Outgoing<'_>) -> bool {
        self.of.rules().carries_all
            && outgoing.delay.is_none()
            && outgoing.partition.is_none()
            && outgoing.message.topic().is_none()
            && !self.of.inner.shared.plan.is_armed()
    }

    #[inline]
    fn last(&self) -> MutexGuard<'_, Option<Arc<Topic>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a question that somebody listens to.
    fn ask(&self, question: Outgoing<'_>) -> Result<(Published, Expected), BrokerError> {
        let Place::Topic(name) = question.place else {
            let text = format!("`{}`: a question goes to a topic", question.place);
            return Err(BrokerError::new(BrokerErrorKind::Refused, text));
        };
        if !self.of.rules().request {
            let text = format!("`{name}`: {} carries no answers", self.of.rules().name);
            return Err(BrokerError::new(BrokerErrorKind::Unsupported, text));
        }
        self.of.reach()?;
        if !self.topic(name)?.has_members() {
            let text = format!("`{name}`: nobody listens, so nobody can answer");
            return Err(BrokerError::new(BrokerErrorKind::NoListener, text));
        }
        let expected = self.of.inner.replies.expect();
        let message = question.message.with_reply_to(expected.address());
        Ok((self.send(Outgoing { message, ..question }), expected))
    }
}

impl Publish for Publisher {
    /// What most publications are goes straight into its log; everything else takes the longer way.
    #[inline]
    fn send(&self, outgoing: Outgoing<'_>) -> Published {
        if self.is_plain(&outgoing)
            && let Place::Topic(name) = outgoing.place
            && let Some(topic) = &*self.last()
            && *topic.name == *name
            && let Some(open) = topic.open()
        {
            return Answer::Now(Ok(Receipt::at(open.append(outgoing.message))));
        }
        self.send_otherwise(outgoing)
    }

    fn request(&self, question: Outgoing<'_>, within: Duration) -> BoxFuture<'static, Result<Message, BrokerError>> {
        let name = question.place.to_string();
        let asked = self.ask(question);
        Box::pin(async move {
            let (sent, expected) = asked?;
            let answered = timeout(within, async {
                sent.wait().await?;
                expected.wait().await
            });
            answered.await.unwrap_or_else(|_elapsed| {
                let text = format!("`{name}`: nobody answered within {within:?}");
                Err(BrokerError::new(BrokerErrorKind::TimedOut, text))
            })
        })
    }

    fn abilities(&self) -> Abilities {
        self.of.rules().abilities()
    }

    fn flush(&self) -> BoxFuture<'static, Result<(), BrokerError>> {
        // What is not confirmed yet waits for room, and its sender waits for it.
        Box::pin(ready(Ok(())))
    }
}

impl MemoryBroker {
    /// Puts a message where it belongs. Most come with their topic at hand.
    pub(super) fn send(
        &self,
        outgoing: Outgoing<'_>,
        topic: impl FnOnce(&str) -> Result<Arc<Topic>, BrokerError>,
    ) -> Published {
        if let Err(error) = self.refuse(&outgoing) {
            return Answer::Now(Err(error));
        }
        let Outgoing { place, mut message, delay, partition } = outgoing;
        if message.topic().is_some() && !matches!(place, Place::Retry { .. }) {
            message.forget_topic();
        }
        let topic = match place {
            Place::Topic(name) => topic(name),
            Place::Dead { .. } => Ok(self.place_of(&place.to_string())),
            Place::Retry { group, topic, after } => return self.retry(group, topic, message, after),
            Place::Reply(address) => {
                self.inner.replies.answer(address, message);
                return Answer::Now(Ok(Receipt::default()));
            }
        };
        let topic = match topic {
            Ok(topic) => topic,
            Err(error) => return Answer::Now(Err(error)),
        };
        let put = match delay {
            Some(delay) if !delay.is_zero() => topic.put_later(message, delay),
            _ => topic.put(message, partition),
        };
        match put {
            Put::Taken(receipt) => Answer::Now(Ok(receipt)),
            Put::Waits(waiting) => Answer::Later(Box::pin(room::wait(topic, waiting, self.full_deadline))),
            Put::Full => Answer::Now(Err(topic.full(Duration::ZERO))),
        }
    }

    fn retry(&self, group: &str, of: &str, message: Message, after: Duration) -> Published {
        let topic = self.place_of(of);
        match topic.put_copy(group, &topic.name, message, after) {
            Put::Full => Answer::Now(Err(topic.full(Duration::ZERO))),
            Put::Taken(_) | Put::Waits(_) => Answer::Now(Ok(Receipt::default())),
        }
    }

    /// What the profile cannot carry.
    fn refuse(&self, outgoing: &Outgoing<'_>) -> Result<(), BrokerError> {
        let Outgoing { place, message, delay, partition } = outgoing;
        let rules = self.rules();
        if let Some(largest) = rules.largest
            && size(message) > largest
        {
            let text = format!("`{place}`: a message of {} bytes is larger than {largest}", size(message));
            return Err(BrokerError::new(BrokerErrorKind::TooLarge, text));
        }
        let lacks = match (place, message.payload(), delay, partition) {
            (_, None, ..) if !rules.tombstones => "a message without a payload",
            (_, _, Some(_), _) if !rules.delay => "a delay",
            (_, _, _, Some(_)) if rules.partitions == 0 => "a partition",
            (Place::Reply(_), ..) if !rules.request => "answers",
            (Place::Retry { .. }, ..) if !rules.at_least_once => "a retry that is kept",
            (.., Some(partition)) if *partition >= self.partitions => {
                let text = format!("`{place}`: there is no partition {partition} of {}", self.partitions);
                return Err(BrokerError::new(BrokerErrorKind::Refused, text));
            }
            _ => return Ok(()),
        };
        let text = format!("`{place}`: {} does not carry {lacks}", rules.name);
        Err(BrokerError::new(BrokerErrorKind::Unsupported, text))
    }
}

/// Payload, key and headers.
#[cold]
fn size(message: &Message) -> usize {
    let bytes = [message.payload(), message.key()].into_iter().flatten().map(bytes::Bytes::len).sum::<usize>();
    bytes + message.headers().iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}
