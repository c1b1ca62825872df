//! A message that is being put together, and published.

use super::Publisher;
use crate::contract::{Answer, Outgoing, Place, Publish, Receipt};
use crate::{BrokerError, BrokerErrorKind, IntoMessage, Message, PublishError};
use bytes::Bytes;
use modi_core::BoxError;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// A message that is being put together: see [`Publisher::to`], and for several topics [`Publisher::to_all`].
#[must_use = "nothing is published before `send`"]
pub struct Publication<'a, T = &'a str> {
    pub(super) publisher: &'a Publisher,
    pub(super) topic: T,
    pub(super) message: Message,
    /// Apart, because few want anything: the rest is small enough to be moved without a call.
    wants: Option<Box<Wants>>,
}

/// What a broker may not be able to do.
#[derive(Clone, Default)]
struct Wants {
    delay: Option<Duration>,
    partition: Option<u32>,
}

impl<'a, T: Target> Publication<'a, T> {
    #[inline]
    pub(super) fn new(publisher: &'a Publisher, topic: T) -> Self {
        Self { publisher, topic, message: Message::tombstone(), wants: None }
    }

    /// With this key: messages with one key keep their order.
    pub fn key(self, key: impl Into<Bytes>) -> Self {
        Self { message: self.message.with_key(key), ..self }
    }

    /// With this header.
    pub fn header(self, name: impl Into<Cow<'static, str>>, value: impl Into<Bytes>) -> Self {
        Self { message: self.message.with_header(name, value), ..self }
    }

    /// With this id.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { message: self.message.with_id(id), ..self }
    }

    /// With this time of publication, in milliseconds.
    pub fn timestamp(self, at: SystemTime) -> Self {
        Self { message: self.message.with_timestamp(at), ..self }
    }

    /// Of this chain of messages instead of that of the message in hand.
    pub fn correlation_id(self, id: impl AsRef<str>) -> Self {
        Self { message: self.message.with_correlation_id(id), ..self }
    }

    /// Into this partition. Without it the key chooses, or the broker. Where a broker has none, publishing is the error
    /// [`BrokerErrorKind::Unsupported`].
    pub fn partition(mut self, partition: u32) -> Self {
        self.wants.get_or_insert_default().partition = Some(partition);
        self
    }

    /// Seen after so long. Where a broker delays nothing, publishing is the error [`BrokerErrorKind::Unsupported`].
    pub fn delay(mut self, delay: Duration) -> Self {
        self.wants.get_or_insert_default().delay = Some(delay);
        self
    }

    /// Seen at this time, by the clock of this machine; at once, if it has come. The same as a [delay](Self::delay) up to it.
    pub fn at(self, time: SystemTime) -> Self {
        self.delay(time.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// With these bytes as the payload.
    #[inline]
    pub fn bytes(mut self, payload: impl Into<Bytes>) -> Self {
        self.message.set_payload(payload.into());
        self
    }

    /// With this value, as JSON, as the payload.
    ///
    /// # Errors
    ///
    /// [`PublishError::Encode`].
    pub fn json<V: Serialize + ?Sized>(self, value: &V) -> Result<Self, PublishError> {
        match serde_json::to_vec(value) {
            Ok(payload) => Ok(Self { message: self.message.with_json(payload), ..self }),
            Err(source) => Err(self.unencoded(source.into())),
        }
    }

    /// With this payload and its content type: `Json(&order)`, `MsgPack(&order)`, a text.
    ///
    /// # Errors
    ///
    /// [`PublishError::Encode`].
    pub fn payload(self, value: impl IntoMessage) -> Result<Self, PublishError> {
        match value.into_message() {
            Ok(encoded) => Ok(Self { message: self.message.with_payload_of(&encoded), ..self }),
            Err(error) => Err(self.unencoded(error.into())),
        }
    }

    /// Takes a whole message in the place of what was put together so far.
    pub fn message(self, message: Message) -> Self {
        Self { message, ..self }
    }

    fn unencoded(&self, source: BoxError) -> PublishError {
        PublishError::Encode { topic: self.topic.names().join("`, `"), source }
    }
}

/// On its way, or refused before.
type Sent = Result<Answer<Result<Receipt, BrokerError>>, PublishError>;

impl<'a> Publication<'a> {
    /// Publishes it, and waits for the confirmation.
    ///
    /// # Errors
    ///
    /// [`PublishError`]. After one the message may still have been published: a lost confirmation says nothing.
    #[expect(clippy::manual_async_fn, reason = "an `async fn` would copy the message into its state once more")]
    pub fn send(mut self) -> impl Future<Output = Result<Receipt, PublishError>> + Send + use<'a> {
        async move {
            let (publisher, topic) = (self.publisher, self.topic);
            let sent = match self.begin_now() {
                Some(sent) => sent?,
                None => Box::pin(self.begin()).await?,
            };
            let confirmed = match sent {
                Answer::Now(confirmed) => confirmed,
                Answer::Later(confirmed) => confirmed.await,
            };
            publisher.link.count(confirmed.is_ok());
            confirmed.map_err(|source| PublishError::Broker { topic: topic.to_owned(), source })
        }
    }

    /// Publishes it as a question, and waits for its answer. A late one is dropped. [`Publisher::request`] also decodes.
    ///
    /// # Errors
    ///
    /// [`PublishError::NoAnswer`], and a broker that carries no answers.
    pub async fn request(self, within: Duration) -> Result<Message, PublishError> {
        let Self { publisher, topic, mut message, wants } = self;
        if is_blank(topic) {
            return Err(PublishError::NoTopic);
        }
        let publish = publisher.ready(topic).await?;
        publisher.mark(&mut message);
        let Wants { delay, partition } = wants.map_or_else(Wants::default, |wants| *wants);
        let question = Outgoing { place: Place::Topic(topic), message, delay, partition };
        let answered = match publisher.layers() {
            None => timeout(within, ask(&*publish, question, within)).await,
            Some(layers) => timeout(within, layers.ask(&*publish, question, within)).await,
        };
        answered.unwrap_or_else(|_| Err(PublishError::NoAnswer { topic: topic.to_owned(), within }))
    }

    /// Gives it to the broker: what is left is its confirmation.
    pub(super) async fn begin(mut self) -> Sent {
        if let Some(sent) = self.begin_now() {
            return sent;
        }
        let publish = self.publisher.ready(self.topic).await?;
        match self.publisher.layers() {
            None => self.give(&*publish),
            // Each through all of it before the next.
            Some(layers) => Ok(Answer::Now(Ok(layers.publish(&*publish, self.outgoing(&*publish)?).await?))),
        }
    }

    /// The same where nothing has to be waited for, as nearly always.
    #[inline]
    fn begin_now(&mut self) -> Option<Sent> {
        if is_blank(self.topic) {
            return Some(Err(PublishError::NoTopic));
        }
        let publisher = self.publisher;
        if publisher.layers().is_some() { None } else { publisher.link.now(|publish| self.give(publish)) }
    }

    #[inline]
    fn give(&mut self, publish: &dyn Publish) -> Sent {
        Ok(publish.send(self.outgoing(publish)?))
    }

    /// What is sent; the message is taken.
    #[inline]
    fn outgoing(&mut self, publish: &dyn Publish) -> Result<Outgoing<'a>, PublishError> {
        let mut message = std::mem::replace(&mut self.message, Message::tombstone());
        self.publisher.mark(&mut message);
        let mut outgoing = Outgoing::new(Place::Topic(self.topic), message);
        if let Some(wants) = &self.wants {
            (outgoing.delay, outgoing.partition) = (wants.delay, wants.partition);
            wants.check(publish).map_err(|source| PublishError::Broker { topic: self.topic.to_owned(), source })?;
        }
        Ok(outgoing)
    }
}

impl Wants {
    /// Whether the broker can do it.
    fn check(&self, publish: &dyn Publish) -> Result<(), BrokerError> {
        let abilities = publish.abilities();
        let lacks = if self.delay.is_some() && !abilities.delay {
            "with a delay"
        } else if self.partition.is_some() && !abilities.partition {
            "to a partition of one's choice"
        } else {
            return Ok(());
        };
        Err(BrokerError::new(BrokerErrorKind::Unsupported, format!("the broker cannot publish {lacks}")))
    }
}

/// A name without a character that could be seen.
#[inline]
fn is_blank(topic: &str) -> bool {
    topic.chars().all(char::is_whitespace)
}

impl<'a> Publication<'a, &'a [&'a str]> {
    /// Publishes it to each of the topics, in their order, and waits for all the confirmations: one each, in the same order.
    #[must_use = "each of them may have failed"]
    pub async fn send(self) -> Vec<Result<Receipt, PublishError>> {
        let mut sent = Vec::with_capacity(self.topic.len());
        for topic in self.topic {
            let one = Publication {
                publisher: self.publisher,
                topic: *topic,
                message: self.message.clone(),
                wants: self.wants.clone(),
            };
            sent.push((*topic, one.begin().await));
        }
        all(self.publisher, sent).await
    }
}

/// Asks a question.
pub(crate) async fn ask(
    broker: &dyn Publish,
    question: Outgoing<'_>,
    within: Duration,
) -> Result<Message, PublishError> {
    let topic = question.place.to_string();
    broker.request(question, within).await.map_err(|source| match source.kind() {
        BrokerErrorKind::TimedOut => PublishError::NoAnswer { topic, within },
        _ => PublishError::Broker { topic, source },
    })
}

/// Waits for the confirmations of what is on its way.
pub(super) async fn all<T: AsRef<str>>(
    publisher: &Publisher,
    sent: Vec<(T, Sent)>,
) -> Vec<Result<Receipt, PublishError>> {
    let mut receipts = Vec::with_capacity(sent.len());
    for (topic, sent) in sent {
        receipts.push(confirmed(publisher, topic.as_ref(), sent).await);
    }
    receipts
}

async fn confirmed(publisher: &Publisher, topic: &str, sent: Sent) -> Result<Receipt, PublishError> {
    let confirmed = sent?.wait().await;
    publisher.link.count(confirmed.is_ok());
    confirmed.map_err(|source| PublishError::Broker { topic: topic.to_owned(), source })
}

/// One topic, or several.
pub trait Target {
    /// Their names, for errors.
    #[doc(hidden)]
    fn names(&self) -> Vec<&str>;
}

impl Target for &str {
    fn names(&self) -> Vec<&str> {
        vec![self]
    }
}

impl Target for &[&str] {
    fn names(&self) -> Vec<&str> {
        self.to_vec()
    }
}

impl<T: Target> fmt::Debug for Publication<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication").field("topics", &self.topic.names()).field("message", &self.message).finish()
    }
}
