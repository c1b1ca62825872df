//! What is sent, and where it ended up.

use crate::Message;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A message on its way out.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// Where to.
    pub place: Place<'a>,
    /// What: beside payload, key and headers its id, its content type, its time, its
    /// [correlation](Message::correlation_id), and where an answer goes.
    pub message: Message,
    /// It is seen after so long; only where [`Abilities::delay`](super::Abilities::delay) is claimed.
    pub delay: Option<Duration>,
    /// Its partition; only where [`Abilities::partition`](super::Abilities::partition) is claimed. Else the key chooses, or the broker.
    pub partition: Option<u32>,
}

impl<'a> Outgoing<'a> {
    /// A message that is seen at once.
    pub const fn new(place: Place<'a>, message: Message) -> Self {
        Self { place, message, delay: None, partition: None }
    }
}

/// The group that reads dead letters to send them back. It finds what was written since their place was made, whether or not
/// it was there.
pub const REDRIVE: &str = "redrive";

/// A place that messages are written to. What the dead letters and the delayed copies of a group are called is the
/// adapter's business, with the prefixes `dead.<group>.` and `retry.<group>.`, which patterns never match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// A topic.
    Topic(&'a str),
    /// Where a group's dead letters go. They are kept for the group [`REDRIVE`], which subscribes to the name that `Display`
    /// writes.
    Dead {
        /// The group.
        group: &'a str,
        /// Where they came from.
        topic: &'a str,
    },
    /// A delayed copy for one group: its subscription to the topic hands it out after the delay, and nobody else's does.
    Retry {
        /// The group.
        group: &'a str,
        /// Where it came from.
        topic: &'a str,
        /// The delay; zero is at once.
        after: Duration,
    },
    /// Whoever asked: what the question's [`Message::reply_to`] says.
    Reply(&'a str),
}

/// Where a published message ended up, as far as the broker tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The partition.
    pub partition: Option<u32>,
    /// Its offset or sequence number there.
    pub position: Option<u64>,
    /// The id that the broker gave it.
    pub id: Option<Arc<str>>,
    /// The broker had it already, and kept it once.
    pub duplicate: bool,
}

impl Receipt {
    /// A receipt with a position.
    pub const fn at(position: u64) -> Self {
        Self { partition: None, position: Some(position), id: None, duplicate: false }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(topic) => f.write_str(topic),
            Self::Dead { group, topic } => write!(f, "dead.{group}.{topic}"),
            Self::Retry { group, topic, .. } => write!(f, "retry.{group}.{topic}"),
            Self::Reply(_) => f.write_str("a reply"),
        }
    }
}
