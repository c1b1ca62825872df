//! What an adapter implements. Everything else (decoding, deadlines, retries, dead letters, scopes) is the pipeline's.
//!
//! An adapter knows three verdicts, not the five outcomes of users: a durable retry and a rejection arrive here as
//! [`Verdict::Done`], after the pipeline's confirmed copy. So the failure path is written once.

mod delivery;
mod lanes;
mod options;
mod outgoing;

pub use crate::pattern::{Captures, Part, Parts, Pattern, PatternError};
pub use delivery::{Delivery, Lease, Origin, SettleResult, Settled, Settlement, Verdict};
pub use lanes::Lanes;
pub use options::{Abilities, Capabilities, Credit, Difference, OrderScope, Provision, Start, SubscribeOptions};
pub use outgoing::{Outgoing, Place, REDRIVE, Receipt};

use crate::{BrokerError, BrokerErrorKind, Message};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

/// A parsed URL with its options. Making one opens nothing; the application calls it once, at its start.
#[async_trait]
pub trait Connect: Send + Sync + 'static {
    /// Opens a connection, or fails; waiting for an absent broker is the caller's business.
    async fn connect(&self) -> Result<Arc<dyn Connection>, BrokerError>;
}

/// One connected broker. The application calls it from one task at a time.
#[async_trait]
pub trait Connection: Send + Sync + 'static {
    /// Creates what is missing, alters nothing, and returns the differences.
    async fn provision(&self, wanted: &[Place<'_>], mode: Provision) -> Result<Vec<Difference>, BrokerError>;
    /// Joins the group. Capabilities come with the subscription: they depend on server, kind of queue and options.
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError>;
    /// The sending side; one is enough for all that publish.
    async fn publisher(&self) -> Result<Arc<dyn Publish>, BrokerError>;
    /// Messages that the group has not finished, where the broker can tell.
    async fn lag(&self, options: &SubscribeOptions) -> Result<Option<u64>, BrokerError>;
    /// Called last: every source was stopped and every settlement answered.
    async fn close(&self, within: Duration) -> Result<(), BrokerError>;
}

/// Two halves, so that intake and settlement never wait for each other. Dropping both gives back what is unsettled.
pub struct Subscription {
    /// What holds for this subscription.
    pub capabilities: Capabilities,
    /// Where deliveries come from.
    pub source: Box<dyn Source>,
    /// Where settlements go.
    pub settle: Arc<dyn Settle>,
    /// The lanes that were taken away.
    pub lanes: Arc<Lanes>,
}

/// The intake. The pipeline calls it from one task.
#[async_trait]
pub trait Source: Send {
    /// Waits for one delivery, then pushes what is there, at most `credit`; never more than
    /// [`SubscribeOptions::limit`] are out. One delivery may be larger than the bytes that are left. Cancel-safe: a
    /// dropped call loses nothing. An error that is permanent ends the subscriber; after any other it is called again.
    async fn next(&mut self, credit: Credit, into: &mut Vec<Delivery>) -> Result<(), BrokerError>;
    /// Ends intake, stays in the group, gives back what was never handed out. Settling goes on.
    async fn stop(&mut self) -> Result<(), BrokerError>;
}

/// The settling side. The pipeline makes one call at a time for a subscription.
pub trait Settle: Send + Sync {
    /// Takes all of `items`, in the order of completion, without blocking. What cannot be answered at once is a future
    /// that runs beside intake and handlers. The adapter repeats what can be repeated: its answer is final.
    fn settle(&self, items: &mut Vec<Settlement>) -> Answer<Settled>;
    /// Where the message of a delivery is, for people: `topic/partition/offset`, a queue, `stream/id`. Asked when a message
    /// that cannot be handled is written elsewhere, and at no other time.
    fn source(&self, origin: Origin) -> Option<String> {
        let _unknown = origin;
        None
    }
}

/// The sending side. Called from any task.
pub trait Publish: Send + Sync {
    /// Takes messages in the order of the calls. Never blocks, and never waits for an earlier confirmation; the answer
    /// is the confirmation. It comes in whether somebody polls for it or not, and at last it comes: an adapter that has lost
    /// its connection answers with an error. Dropping a pending answer takes nothing back.
    fn send(&self, message: Outgoing<'_>) -> Answer<Result<Receipt, BrokerError>>;
    /// Sends a question, and waits for its answer. A late one is dropped.
    fn request(&self, question: Outgoing<'_>, within: Duration) -> BoxFuture<'static, Result<Message, BrokerError>> {
        let text = format!("`{}`: the broker carries no answers (asked within {within:?})", question.place);
        Box::pin(ready(Err(BrokerError::new(BrokerErrorKind::Unsupported, text))))
    }
    /// What sending can do here.
    fn abilities(&self) -> Abilities;
    /// Everything sent before is confirmed or failed when this is ready.
    fn flush(&self) -> BoxFuture<'static, Result<(), BrokerError>>;
}

/// No box where the answer is known at once.
pub enum Answer<T> {
    /// Known.
    Now(T),
    /// To be waited for.
    Later(BoxFuture<'static, T>),
}

impl<T> Answer<T> {
    /// Waits for it.
    pub async fn wait(self) -> T {
        match self {
            Self::Now(answer) => answer,
            Self::Later(answer) => answer.await,
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}
impl<T: fmt::Debug> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(answer) => f.debug_tuple("Now").field(answer).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}
