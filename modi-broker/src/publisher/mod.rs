//! Publishing: from handlers, from services, from anywhere in the application.
//!
//! | file | its job |
//! |---|---|
//! | `publication` | one message: put together, sent, confirmed |
//! | `request` | a question, and its answer |
//! | `cause` | what a message passes on to those that it leads to |
//! | `link` | the way to a connection that is made later |

mod cause;
mod link;
mod publication;
mod request;

pub use publication::{Publication, Target};
pub use request::Request;

pub(crate) use cause::Cause;
pub(crate) use link::Link;
pub(crate) use publication::ask;

use crate::contract::{Publish, Receipt};
use crate::middleware::Layers;
use crate::observe::TraceParent;
use crate::registry::Registry;
use crate::{Message, PublishError};
use modi_core::graph::Key;
use modi_core::{Dependency, Error, Module, Resolver};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// Publishes messages. Cheap to clone; an argument of handlers and a dependency of services.
///
/// As an argument of a handler it carries on the chain of the message in hand: its
/// [correlation id](Message::correlation_id) is copied, and it publishes to the broker that the handler listens on. As a
/// dependency it publishes to the default broker. Before the application is connected it waits; so an `on_start` hook,
/// which runs before that, may spawn what publishes but must not wait for it. After the stop it is an error.
///
/// ```
/// use modi_broker::{Json, PublishError, Publisher};
/// use std::time::Duration;
///
/// async fn order_created(Json(id): Json<u64>, publisher: Publisher) -> Result<(), PublishError> {
///     publisher.publish("payments.requested", &id).await?; // confirmed
///     publisher.to("audit").key("order").header("tenant", "acme").bytes("created").send().await?;
///     publisher.to("reminders").json(&id)?.delay(Duration::from_secs(3_600)).send().await?;
///     let price: f64 = publisher.request("price.of", &id).timeout(Duration::from_secs(1)).await?;
///     # let _ = price;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Publisher {
    registry: Arc<Registry>,
    link: Arc<Link>,
    cause: Option<Cause>,
    /// What stands around a handler that publishes. Everybody else has what stands around the application.
    around: Option<Arc<Layers>>,
}

impl Publisher {
    pub(crate) fn new(registry: Arc<Registry>, link: Arc<Link>) -> Self {
        Self { registry, link, cause: None, around: None }
    }

    pub(crate) fn caused_by(&self, message: &Message, span: Option<TraceParent>) -> Self {
        Self { cause: Some(Cause::of(message, span)), ..self.clone() }
    }

    /// The same for a handler with this around it.
    pub(crate) fn within(self, around: Option<&Arc<Layers>>) -> Self {
        Self { around: around.cloned(), ..self }
    }

    /// What the application puts around all that is published.
    #[inline]
    pub(crate) fn outermost(&self) -> Option<&Arc<Layers>> {
        self.registry.middleware.layers()
    }

    /// What stands around what it publishes.
    #[inline]
    fn layers(&self) -> Option<&Arc<Layers>> {
        self.around.as_ref().or_else(|| self.outermost())
    }

    /// Publishes a value as JSON, and waits for the confirmation.
    ///
    /// # Errors
    ///
    /// [`PublishError`]. After one the message may still have been published: a lost confirmation says nothing.
    pub async fn publish<T: Serialize + ?Sized>(&self, topic: &str, value: &T) -> Result<Receipt, PublishError> {
        self.to(topic).json(value)?.send().await
    }

    /// Begins a message with a key, headers or a payload of its own.
    #[inline]
    pub fn to<'a>(&'a self, topic: &'a str) -> Publication<'a> {
        Publication::new(self, topic)
    }

    /// Begins a message for several topics.
    ///
    /// ```
    /// # use modi_broker::{PublishError, Publisher};
    /// # async fn example(publisher: Publisher) -> Result<(), PublishError> {
    /// for receipt in publisher.to_all(&["audit", "billing"]).json(&7)?.send().await {
    ///     receipt?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_all<'a>(&'a self, topics: &'a [&'a str]) -> Publication<'a, &'a [&'a str]> {
        Publication::new(self, topics)
    }

    /// Publishes several messages, each to its topic, and waits for all the confirmations together: one for each message, in
    /// their order. What comes later is also sent where something before it failed.
    ///
    /// All of them are in memory at once: send what is larger in parts.
    ///
    /// ```
    /// # use modi_broker::{Message, PublishError, Publisher};
    /// # async fn example(publisher: Publisher) -> Result<(), PublishError> {
    /// let numbers = (0..100).map(|n| ("numbers", Message::new(format!("{n}"))));
    /// let receipts = publisher.publish_all(numbers).await;
    /// let failed = receipts.iter().filter(|receipt| receipt.is_err()).count();
    /// # let _ = failed;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "each of them may have failed"]
    pub async fn publish_all<T: AsRef<str>>(
        &self,
        messages: impl IntoIterator<Item = (T, Message)>,
    ) -> Vec<Result<Receipt, PublishError>> {
        let mut sent = Vec::new();
        for (topic, message) in messages {
            let begun = self.to(topic.as_ref()).message(message).begin().await;
            sent.push((topic, begun));
        }
        publication::all(self, sent).await
    }

    /// Asks a question, as JSON, and waits for its answer, decoded as [`Body`](crate::Body) is: `.timeout(..)` says how long,
    /// by default 5 seconds. Who answers is a handler with the key `reply`.
    ///
    /// # Errors
    ///
    /// Awaiting it: [`PublishError::NoAnswer`], an answer of another type, and a broker that carries no answers.
    pub fn request<'a, T: Serialize + ?Sized, A>(&'a self, topic: &'a str, question: &T) -> Request<'a, A> {
        Request::new(self, topic, question)
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

    /// The message belongs to the chain of the one in hand.
    fn mark(&self, message: &mut Message) {
        if let Some(cause) = &self.cause {
            cause.mark(message);
        }
    }

    async fn ready(&self, topic: &str) -> Result<Arc<dyn Publish>, PublishError> {
        self.link.ready().await.ok_or_else(|| PublishError::Stopped { topic: topic.to_owned() })
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
