//! The broker inside the process: a log for each topic, and groups that read it.
//!
//! | file | its job |
//! |---|---|
//! | `profile` | whose limits it has |
//! | `connection`, `publishing`, `member` | the contract: the connection, the sending side, one subscription |
//! | `topics`, `topic`, `state` | all topics and the patterns they join; one topic; what it holds |
//! | `room` | who waits for room, and what is seen later |
//! | `log` | the messages of a topic or partition, and what one call may hand out |
//! | `group` | who is in a group, and what it reads |
//! | `window`, `keys` | a log that its members share: what is out, what comes again; which member has a key |
//! | `partitions` | logs that are dealt to the members: who has which, how far each is committed |
//! | `copies` | messages that one group gets later |
//! | `replies` | who waits for an answer |
//! | `dedupe`, `answers`, `hash` | ids seen lately; answers to settlements; a hash |
//! | `faults` | failures on purpose |
//! | `watch` | what tests want to know: whether everything has settled |
//!
//! Locks are taken in one order: topics, a member's seats, a topic.

mod answers;
mod connection;
mod copies;
mod dedupe;
mod faults;
mod group;
mod hash;
mod keys;
mod log;
mod member;
mod partitions;
mod profile;
mod publishing;
mod replies;
mod room;
mod state;
#[cfg(all(test, modi_loom))]
mod threads;
mod topic;
mod topics;
mod watch;
mod window;

use crate::contract::{Outgoing, Place, Receipt};
use crate::{BrokerError, BrokerErrorKind, Message};
use faults::Plan;
use group::Sessions;
use profile::Rules;
use replies::Replies;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use topic::{Shared, Topic};
use topics::{Make, Topics};
use watch::{Overrun, Watch};

pub use faults::Faults;
pub use profile::MemoryProfile;

/// The broker inside the process: for tests, for examples, and for programs that need no other.
///
/// A topic is a log. A group starts at its earliest message, shares it among its subscribers, and gets again what they
/// do not finish; two groups each get everything. While a message with a key is in the hands of one subscriber, no other
/// of its group gets one with that key; messages without a key go to whoever has room. Cloning gives another handle to
/// the same broker, and the broker outlives the applications that use it. Nothing is kept when the process ends.
///
/// **The bound.** A topic holds at most [`MemoryBroker::with_capacity`] messages, those that its slowest group has not
/// finished. When it is full, publishing waits up to [`MemoryBroker::with_full_deadline`] for room, and is then the error
/// [`BrokerErrorKind::Full`]. A topic that no group has ever read keeps its newest messages for groups to come: there a
/// full log lets the oldest go, which the log says once for each topic. Dead-letter topics never let one go. As many
/// delayed copies may wait for each group.
///
/// **Others' limits.** [`MemoryBroker::like`] answers as another broker does, so that what it cannot do shows in a test.
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
    profile: MemoryProfile,
    capacity: usize,
    partitions: u32,
    full_deadline: Duration,
}

struct Inner {
    topics: Topics,
    shared: Arc<Shared>,
    replies: Arc<Replies>,
}

const CAPACITY: usize = 100_000;
const FULL_DEADLINE: Duration = Duration::from_secs(5);

impl MemoryBroker {
    /// An empty broker: 100,000 messages a topic, 5 seconds of waiting for room.
    pub fn new() -> Self {
        Self::like(MemoryProfile::Native)
    }

    /// The same with the limits of another broker.
    ///
    /// ```
    /// use modi_broker::{MemoryBroker, MemoryProfile};
    ///
    /// let memory = MemoryBroker::like(MemoryProfile::Kafka).with_partitions(2);
    /// assert_eq!(memory.profile(), MemoryProfile::Kafka);
    /// ```
    pub fn like(profile: MemoryProfile) -> Self {
        let rules = profile.rules();
        let (watch, sessions, plan) = (Watch::default(), Sessions::default(), Plan::default());
        let shared = Arc::new(Shared { rules, watch, sessions, plan });
        let inner = Arc::new(Inner { topics: Topics::new(), shared, replies: Arc::default() });
        Self { inner, profile, capacity: CAPACITY, partitions: rules.partitions, full_deadline: FULL_DEADLINE }
    }

    /// How many messages a topic that is made from now on holds.
    #[must_use]
    pub fn with_capacity(self, messages: usize) -> Self {
        Self { capacity: messages.max(1), ..self }
    }

    /// How many partitions a topic that is made from now on has, where the profile has partitions at all. Default: 4.
    #[must_use]
    pub fn with_partitions(self, partitions: u32) -> Self {
        let partitions = if self.partitions == 0 { 0 } else { partitions.max(1) };
        Self { partitions, ..self }
    }

    /// How long publishing through this handle waits for room in a full topic.
    #[must_use]
    pub fn with_full_deadline(self, full_deadline: Duration) -> Self {
        Self { full_deadline, ..self }
    }

    /// Whose limits it has.
    pub fn profile(&self) -> MemoryProfile {
        self.profile
    }

    /// What a topic holds at this moment, oldest first: what a group has not finished, or what waits for one.
    pub fn messages(&self, topic: &str) -> Vec<Message> {
        self.inner.topics.look(topic).map(|topic| topic.held()).unwrap_or_default()
    }

    /// The names of the topics, in order.
    pub fn topics(&self) -> Vec<Arc<str>> {
        self.inner.topics.names()
    }

    /// Publishes without an application.
    ///
    /// # Errors
    ///
    /// [`BrokerErrorKind::Full`], and what the profile does not carry.
    pub async fn publish(&self, topic: &str, message: Message) -> Result<Receipt, BrokerError> {
        self.send(Outgoing::new(Place::Topic(topic), message), |name| self.topic(name)).wait().await
    }

    /// What a kill of the broker and its restart leave: everything that was confirmed, and of what groups have done, what
    /// they had committed.
    ///
    /// Publications that wait for room fail with [`BrokerErrorKind::Unavailable`], and so do questions that are not
    /// answered. What members have in hand comes again: settling it is
    /// [`LeaseLost`](crate::contract::SettleResult::LeaseLost). Each learns of it by an error of its next intake, and is a
    /// member still. Like Kafka, a group goes back to what was committed, once a second; like core NATS, everything is
    /// gone that nobody has in hand.
    pub fn crash(&self) {
        self.inner.topics.all().iter().for_each(|topic| topic.crash());
        self.inner.replies.clear();
    }

    /// Everything that was ever published to a topic, while the watch recorded.
    pub(crate) fn history(&self, topic: &str) -> Vec<Message> {
        self.inner.topics.look(topic).map(|topic| topic.history()).unwrap_or_default()
    }

    /// Keeps a history from now on.
    pub(crate) fn record(&self) {
        self.inner.shared.watch.record();
    }

    /// Waits until every message of a group with a member is finished, and nothing is scheduled.
    pub(crate) async fn settled(&self) -> Result<(), Overrun> {
        self.inner.shared.watch.settled(|| self.pump()).await
    }

    /// Lets in everything that is due, and says when the next will be.
    fn pump(&self) -> Option<Instant> {
        let topics = self.inner.topics.all();
        topics.iter().for_each(|topic| topic.pump());
        topics.iter().filter_map(|topic| topic.due()).min()
    }

    /// Who waits for a message looks again whether the broker is there.
    fn wake_members(&self) {
        self.inner.topics.all().iter().for_each(|topic| topic.wake());
    }

    /// An error while the broker is away.
    fn reach(&self) -> Result<(), BrokerError> {
        self.inner.shared.plan.reach()
    }

    fn rules(&self) -> &'static Rules {
        self.inner.shared.rules
    }

    fn topic(&self, name: &str) -> Result<Arc<Topic>, BrokerError> {
        self.inner.topics.get(name, &self.make()).ok_or_else(|| {
            let text = format!("`{name}` is a pattern: a message goes to one topic");
            BrokerError::new(BrokerErrorKind::Refused, text)
        })
    }

    /// The topic with this name, whatever it is.
    fn place_of(&self, name: &str) -> Arc<Topic> {
        self.inner.topics.place_of(name, &self.make())
    }

    fn make(&self) -> Make {
        Make { capacity: self.capacity, partitions: self.partitions, shared: self.inner.shared.clone() }
    }
}

impl Default for MemoryBroker {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBroker")
            .field("profile", &self.profile)
            .field("topics", &self.topics())
            .finish_non_exhaustive()
    }
}
