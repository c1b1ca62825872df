//! Publishing: from handlers, from services, from anywhere in the application.

use crate::contract::{Outgoing, Place, Publish, Receipt};
use crate::observe::{Carried, TraceParent};
use crate::registry::Registry;
use crate::{Message, PublishError, wire};
use bytes::Bytes;
use modi_core::graph::Key;
use modi_core::{Dependency, Error, Module, Resolver};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// Publishes messages. Cheap to clone; an argument of handlers and a dependency of services.
///
/// As an argument of a handler it carries on the chain of the message in hand: the header
/// [`correlation-id`](wire::CORRELATION_ID) is copied, and it publishes to the broker that the handler listens on. As a
/// dependency it publishes to the default broker. Before the application is connected it waits; so an `on_start` hook,
/// which runs before that, may spawn what publishes but must not wait for it. After the stop it is an error.
///
/// ```
/// use modi_broker::{Json, PublishError, Publisher};
///
/// async fn order_created(Json(id): Json<u64>, publisher: Publisher) -> Result<(), PublishError> {
///     publisher.publish("payments.requested", &id).await?; // confirmed
///     publisher.to("audit").key("order").header("tenant", "acme").bytes("created").send().await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Publisher {
    registry: Arc<Registry>,
    link: Arc<Link>,
    cause: Option<Cause>,
}

/// The message that led to what is published.
#[derive(Clone)]
pub(crate) struct Cause {
    correlation: Bytes,
    trace: Option<Carried>,
    hops: u32,
}

impl Cause {
    /// `span` is that of the attempt, if anybody wants it.
    pub(crate) fn of(message: &Message, span: Option<TraceParent>) -> Self {
        let known = message.headers().get(wire::CORRELATION_ID).or(message.id_bytes()).cloned();
        let correlation = known.unwrap_or_else(|| Bytes::from_owner(hexadecimal(fastrand::u128(..))));
        Self { correlation, trace: Carried::of(message, span), hops: message.hops() + 1 }
    }

    pub(crate) fn mark(&self, message: &mut Message) {
        message.set_hops(self.hops);
        let headers = message.headers_mut();
        if headers.get(wire::CORRELATION_ID).is_none() {
            headers.append(wire::CORRELATION_ID, self.correlation.clone());
        }
        if let Some(trace) = &self.trace {
            trace.mark(headers);
        }
    }
}

/// Cheaper than formatting, which every result without a correlation would pay for.
fn hexadecimal(number: u128) -> [u8; 32] {
    let mut text = [0; 32];
    for (at, digit) in text.iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (4 * at)) as usize & 15];
    }
    text
}

impl Publisher {
    pub(crate) fn new(registry: Arc<Registry>, link: Arc<Link>) -> Self {
        Self { registry, link, cause: None }
    }

    pub(crate) fn caused_by(&self, message: &Message, span: Option<TraceParent>) -> Self {
        Self { cause: Some(Cause::of(message, span)), ..self.clone() }
    }

    /// Publishes a value as JSON, and waits for the confirmation.
    ///
    /// # Errors
    ///
    /// [`PublishError`]. After one the message may still have been published: a lost confirmation says nothing.
    pub async fn publish<T: Serialize + ?Sized>(
        &self,
        topic: impl Into<Arc<str>>,
        value: &T,
    ) -> Result<Receipt, PublishError> {
        self.to(topic).json(value)?.send().await
    }

    /// Begins a message with a key, headers or a payload of its own.
    pub fn to(&self, topic: impl Into<Arc<str>>) -> Publication {
        Publication { publisher: self.clone(), topic: topic.into(), message: Message::tombstone() }
    }

    /// The publisher of another broker of the application: see [`AppExt::named_broker`](crate::AppExt::named_broker).
    ///
    /// # Errors
    ///
    /// [`PublishError::UnknownBroker`].
    pub fn on(&self, broker: &str) -> Result<Self, PublishError> {
        match self.registry.link(Some(broker)) {
            Some(link) => Ok(Self { link, ..self.clone() }),
            None => Err(PublishError::UnknownBroker { name: broker.to_owned() }),
        }
    }
}

/// A message that is being put together: see [`Publisher::to`].
#[must_use = "nothing is published before `send`"]
pub struct Publication {
    publisher: Publisher,
    topic: Arc<str>,
    message: Message,
}

impl Publication {
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

    /// With these bytes as the payload.
    pub fn bytes(self, payload: impl Into<Bytes>) -> Self {
        Self { message: self.message.with_payload(payload), ..self }
    }

    /// With this value, as JSON, as the payload.
    ///
    /// # Errors
    ///
    /// [`PublishError::Encode`].
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, PublishError> {
        match serde_json::to_vec(value) {
            Ok(payload) => {
                Ok(Self { message: self.message.with_payload(payload).with_content_type("application/json"), ..self })
            }
            Err(source) => Err(PublishError::Encode { topic: self.topic.to_string(), source }),
        }
    }

    /// Takes a whole message in the place of what was put together so far.
    pub fn message(self, message: Message) -> Self {
        Self { message, ..self }
    }

    /// Publishes it, and waits for the confirmation.
    ///
    /// # Errors
    ///
    /// [`PublishError`]. After one the message may still have been published: a lost confirmation says nothing.
    pub async fn send(self) -> Result<Receipt, PublishError> {
        let Self { publisher, topic, mut message } = self;
        if topic.trim().is_empty() {
            return Err(PublishError::NoTopic);
        }
        if let Some(cause) = &publisher.cause {
            cause.mark(&mut message);
        }
        let Some(publish) = publisher.link.ready().await else {
            return Err(PublishError::Stopped { topic: topic.to_string() });
        };
        let sent = publish.send(Outgoing::new(Place::Topic(&topic), message)).wait().await;
        sent.map_err(|source| PublishError::Broker { topic: topic.to_string(), source })
    }
}

/// The way from publishers to the connection, which is made later than they are.
pub(crate) struct Link(watch::Sender<State>);

enum State {
    Waiting,
    Open(Arc<dyn Publish>),
    Closed,
}

impl Link {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State::Waiting))
    }

    pub(crate) fn open(&self, publish: Arc<dyn Publish>) {
        self.0.send_replace(State::Open(publish));
    }

    pub(crate) fn close(&self) {
        self.0.send_replace(State::Closed);
    }

    async fn ready(&self) -> Option<Arc<dyn Publish>> {
        if let State::Open(publish) = &*self.0.borrow() {
            return Some(publish.clone());
        }
        let mut state = self.0.subscribe();
        match &*state.wait_for(|state| !matches!(state, State::Waiting)).await.ok()? {
            State::Open(publish) => Some(publish.clone()),
            State::Waiting | State::Closed => None,
        }
    }
}

impl<M: Module> Dependency<M> for Publisher {
    const TO: Option<Key> = None;

    fn take(cx: &Resolver<'_, M>) -> Result<Self, Error> {
        cx.extension::<Self>().cloned().ok_or_else(|| {
            Error::new(format!(
                "`{}` needs a `Publisher`, and the application has no broker: add one with `.broker(..)`",
                cx.holder()
            ))
        })
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Publisher")
    }
}
impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication").field("topic", &self.topic).field("message", &self.message).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::hexadecimal;

    #[test]
    fn a_number_is_written_as_it_is_formatted() {
        for number in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210] {
            assert_eq!(hexadecimal(number), *format!("{number:032x}").as_bytes());
        }
    }
}
