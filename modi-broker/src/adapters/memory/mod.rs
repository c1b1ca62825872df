//! The broker inside the process: a log for each topic, and groups that read it.
//!
//! | file | its job |
//! |---|---|
//! | `topic` | the log, its bound, and who waits for room |
//! | `group` | what a group has finished, what is out, what comes again |
//! | `member` | one subscription: the two halves of the contract |
//! | `watch` | what tests want to know: whether everything has settled |

mod group;
mod member;
mod topic;
mod watch;

use crate::contract::{
    Abilities, Answer, Capabilities, Connect, Connection, Difference, OrderScope, Outgoing, Place, Provision, Publish,
    Receipt, SubscribeOptions, Subscription,
};
use crate::{BrokerError, BrokerErrorKind, Message};
use async_trait::async_trait;
use futures_util::future::{BoxFuture, ready};
use member::{Half, Member};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use topic::{Put, Topic};

pub(crate) use watch::Watch;

/// The broker inside the process: for tests, for examples, and for programs that need no other.
///
/// A topic is a log. A group starts at its earliest message, shares it among its subscribers, and gets again what they
/// do not finish; two groups each get everything. Cloning gives another handle to the same broker, and the broker
/// outlives the applications that use it. Nothing is kept when the process ends.
///
/// **The bound.** A topic holds at most [`MemoryBroker::with_capacity`] messages, those that its slowest group has not
/// finished. When it is full, publishing waits up to [`MemoryBroker::with_full_deadline`] for room, and is then the error
/// [`BrokerErrorKind::Full`]. A topic that no group has ever read keeps its newest messages for groups to come: there a
/// full log lets the oldest go, which the log says once for each topic. Dead-letter topics never let one go.
///
/// ```
/// use modi_broker::{Broker, MemoryBroker};
///
/// let memory = MemoryBroker::new().with_capacity(1_000);
/// let broker: Broker = memory.clone().into(); // `memory` stays, to look at it or to start another application
/// ```
#[derive(Clone)]
pub struct MemoryBroker {
    inner: Arc<Inner>,
    capacity: usize,
    full_deadline: Duration,
}

struct Inner {
    topics: Mutex<HashMap<Arc<str>, Arc<Topic>>>,
    watch: Arc<Watch>,
}

const CAPACITY: usize = 100_000;
const FULL_DEADLINE: Duration = Duration::from_secs(5);

impl MemoryBroker {
    /// An empty broker: 100,000 messages a topic, 5 seconds of waiting for room.
    pub fn new() -> Self {
        let inner = Inner { topics: Mutex::default(), watch: Arc::default() };
        Self { inner: Arc::new(inner), capacity: CAPACITY, full_deadline: FULL_DEADLINE }
    }

    /// How many messages a topic that is made from now on holds.
    #[must_use]
    pub fn with_capacity(self, messages: usize) -> Self {
        Self { capacity: messages.max(1), ..self }
    }

    /// How long publishing through this handle waits for room in a full topic.
    #[must_use]
    pub fn with_full_deadline(self, full_deadline: Duration) -> Self {
        Self { full_deadline, ..self }
    }

    /// What a topic holds at this moment, oldest first: what a group has not finished, or what waits for one.
    pub fn messages(&self, topic: &str) -> Vec<Message> {
        self.look(topic).map(|topic| topic.held()).unwrap_or_default()
    }

    /// The names of the topics, in order.
    pub fn topics(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.lock().keys().cloned().collect();
        names.sort();
        names
    }

    /// Publishes without an application.
    ///
    /// # Errors
    ///
    /// [`BrokerErrorKind::Full`].
    pub async fn publish(&self, topic: &str, message: Message) -> Result<Receipt, BrokerError> {
        self.put(self.topic(topic), message).wait().await
    }

    /// Everything that was ever published to a topic, while the watch recorded.
    pub(crate) fn history(&self, topic: &str) -> Vec<Message> {
        self.look(topic).map(|topic| topic.history()).unwrap_or_default()
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.inner.watch
    }

    fn put(&self, topic: Arc<Topic>, message: Message) -> Answer<Result<Receipt, BrokerError>> {
        match topic.put(message) {
            Put::Taken(position) => Answer::Now(Ok(Receipt::at(position))),
            Put::Waits(waiting) => Answer::Later(Box::pin(topic::wait(topic, waiting, self.full_deadline))),
            Put::Full => Answer::Now(Err(topic.full(Duration::ZERO))),
        }
    }

    fn topic(&self, name: &str) -> Arc<Topic> {
        let mut topics = self.lock();
        if let Some(topic) = topics.get(name) {
            return topic.clone();
        }
        let name: Arc<str> = name.into();
        let topic = Arc::new(Topic::new(name.clone(), self.capacity, self.inner.watch.clone()));
        topics.insert(name, topic.clone());
        topic
    }

    fn look(&self, name: &str) -> Option<Arc<Topic>> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Arc<Topic>>> {
        self.inner.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryBroker {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Connect for MemoryBroker {
    async fn connect(&self) -> Result<Arc<dyn Connection>, BrokerError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Connection for MemoryBroker {
    async fn provision(&self, wanted: &[Place<'_>], mode: Provision) -> Result<Vec<Difference>, BrokerError> {
        let mut differences = Vec::new();
        for place in wanted {
            let name = place.to_string();
            match mode {
                Provision::Missing => drop(self.topic(&name)),
                Provision::Verify if self.look(&name).is_none() => {
                    differences.push(Difference { what: format!("topic `{name}` does not exist") });
                }
                Provision::Verify | Provision::Off => {}
            }
        }
        Ok(differences)
    }

    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError> {
        let member = Arc::new(Member::join(self.topic(&options.topic), &options.group));
        Ok(Subscription {
            capabilities: Capabilities {
                at_least_once: true,
                durable: false,
                earliest: true,
                latest: false,
                counts_attempts: true,
                delayed_release: true,
                single_release: true,
                patterns: false,
                order_scope: OrderScope::Process,
                settle_at: (options.limit.messages / 4).max(1),
                linger: Duration::ZERO,
            },
            source: Box::new(Half(member.clone())),
            settle: Arc::new(Half(member)),
            lanes: Arc::default(),
        })
    }

    async fn publisher(&self) -> Result<Arc<dyn Publish>, BrokerError> {
        Ok(Arc::new(Publisher { of: self.clone(), last: Mutex::new(None) }))
    }

    async fn lag(&self, options: &SubscribeOptions) -> Result<Option<u64>, BrokerError> {
        Ok(self.look(&options.topic).and_then(|topic| topic.lag(&options.group)))
    }

    async fn close(&self, _: Duration) -> Result<(), BrokerError> {
        Ok(())
    }
}

/// The sending side. It remembers the last topic: most publishers have one.
struct Publisher {
    of: MemoryBroker,
    last: Mutex<Option<Arc<Topic>>>,
}

impl Publish for Publisher {
    fn send(&self, outgoing: Outgoing<'_>) -> Answer<Result<Receipt, BrokerError>> {
        let name = match outgoing.place {
            Place::Topic(name) => name,
            place @ Place::Dead { .. } => return self.of.put(self.of.topic(&place.to_string()), outgoing.message),
            place @ (Place::Retry { .. } | Place::Reply(_)) => {
                let text = format!("`{place}`: the memory broker does not carry it");
                return Answer::Now(Err(BrokerError::new(BrokerErrorKind::Unsupported, text)));
            }
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let topic = match &*last {
            Some(topic) if *topic.name == *name => topic.clone(),
            _ => last.insert(self.of.topic(name)).clone(),
        };
        drop(last);
        self.of.put(topic, outgoing.message)
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            confirms: true,
            delay: false,
            partition: false,
            request: false,
            tombstones: true,
            dedupe: false,
            largest: None,
        }
    }

    fn flush(&self) -> BoxFuture<'static, Result<(), BrokerError>> {
        // What is not confirmed yet waits for room, and its sender waits for it.
        Box::pin(ready(Ok(())))
    }
}

impl fmt::Debug for MemoryBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBroker").field("topics", &self.topics()).finish_non_exhaustive()
    }
}
