//! A broker whose topics and groups have a prefix that nobody else sees.

use crate::contract::{
    Abilities, Answer, Connect, Connection, Credit, Delivery, Difference, Outgoing, Place, Provision, Publish, Receipt,
    Source, SubscribeOptions, Subscription,
};
use crate::{BrokerError, Message};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// Puts the prefix before every name on the way to the broker, and takes it away on the way back.
#[derive(Clone)]
pub(crate) struct Prefix {
    topics: Arc<str>,
    /// Groups have no dots.
    groups: Arc<str>,
}

impl Prefix {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { topics: prefix.into(), groups: prefix.replace('.', "-").into() }
    }

    /// Whether brokers take it as the beginning of a name.
    pub(crate) fn is_valid(prefix: &str) -> bool {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_ours = ["dead.", "retry."].iter().any(|ours| prefix.starts_with(ours));
        !prefix.is_empty() && !prefix.starts_with('.') && !is_ours && prefix.bytes().all(fits)
    }

    fn topic(&self, topic: &str) -> Arc<str> {
        format!("{}{topic}", self.topics).into()
    }

    fn group(&self, group: &str) -> Arc<str> {
        format!("{}{group}", self.groups).into()
    }

    fn place(&self, place: Place<'_>) -> Named {
        match place {
            Place::Topic(topic) => Named::Topic(self.topic(topic)),
            Place::Dead { group, topic } => Named::Dead(self.group(group), self.topic(topic)),
            Place::Retry { group, topic, after } => Named::Retry(self.group(group), self.topic(topic), after),
            // The broker's own name for whoever asked.
            Place::Reply(to) => Named::Reply(to.into()),
        }
    }

    fn options(&self, options: &SubscribeOptions) -> SubscribeOptions {
        let of_dead = options.topic.strip_prefix("dead.").and_then(|rest| rest.split_once('.'));
        let (topic, group) = match of_dead {
            // The place has the prefix within its name, so its reader needs none.
            Some((group, topic)) => {
                let dead = self.place(Place::Dead { group, topic }).borrow().to_string();
                (dead.into(), options.group.clone())
            }
            None => (self.topic(&options.topic), self.group(&options.group)),
        };
        SubscribeOptions { topic, group, ..options.clone() }
    }

    fn outgoing<T>(&self, outgoing: Outgoing<'_>, send: impl FnOnce(Outgoing<'_>) -> T) -> T {
        let place = self.place(outgoing.place);
        send(Outgoing { place: place.borrow(), ..outgoing })
    }
}

/// A place with a prefix.
enum Named {
    Topic(Arc<str>),
    Dead(Arc<str>, Arc<str>),
    Retry(Arc<str>, Arc<str>, Duration),
    Reply(Arc<str>),
}

impl Named {
    fn borrow(&self) -> Place<'_> {
        match self {
            Self::Topic(topic) => Place::Topic(topic),
            Self::Dead(group, topic) => Place::Dead { group, topic },
            Self::Retry(group, topic, after) => Place::Retry { group, topic, after: *after },
            Self::Reply(to) => Place::Reply(to),
        }
    }
}

/// Anything of a broker, with the prefix.
pub(crate) struct Prefixed<T>(pub(crate) T, pub(crate) Prefix);

#[async_trait]
impl Connect for Prefixed<Arc<dyn Connect>> {
    async fn connect(&self) -> Result<Arc<dyn Connection>, BrokerError> {
        Ok(Arc::new(Prefixed(self.0.connect().await?, self.1.clone())))
    }
}

#[async_trait]
impl Connection for Prefixed<Arc<dyn Connection>> {
    async fn provision(&self, wanted: &[Place<'_>], mode: Provision) -> Result<Vec<Difference>, BrokerError> {
        let named: Vec<_> = wanted.iter().map(|place| self.1.place(*place)).collect();
        let wanted: Vec<_> = named.iter().map(Named::borrow).collect();
        self.0.provision(&wanted, mode).await
    }

    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError> {
        let Subscription { capabilities, source, settle, lanes } = self.0.subscribe(&self.1.options(options)).await?;
        let source = Box::new(Prefixed(source, self.1.clone()));
        Ok(Subscription { capabilities, source, settle, lanes })
    }

    async fn publisher(&self) -> Result<Arc<dyn Publish>, BrokerError> {
        Ok(Arc::new(Prefixed(self.0.publisher().await?, self.1.clone())))
    }

    async fn lag(&self, options: &SubscribeOptions) -> Result<Option<u64>, BrokerError> {
        self.0.lag(&self.1.options(options)).await
    }

    async fn close(&self, within: Duration) -> Result<(), BrokerError> {
        self.0.close(within).await
    }
}

#[async_trait]
impl Source for Prefixed<Box<dyn Source>> {
    async fn next(&mut self, credit: Credit, into: &mut Vec<Delivery>) -> Result<(), BrokerError> {
        let before = into.len();
        let taken = self.0.next(credit, into).await;
        for delivery in &mut into[before..] {
            let topic = delivery.message.topic().and_then(|topic| topic.strip_prefix(&*self.1.topics));
            if let Some(topic) = topic.map(Arc::<str>::from) {
                let message = std::mem::replace(&mut delivery.message, Message::tombstone());
                delivery.message = message.with_topic(topic);
            }
        }
        taken
    }

    async fn stop(&mut self) -> Result<(), BrokerError> {
        self.0.stop().await
    }
}

impl Publish for Prefixed<Arc<dyn Publish>> {
    fn send(&self, message: Outgoing<'_>) -> Answer<Result<Receipt, BrokerError>> {
        self.1.outgoing(message, |message| self.0.send(message))
    }

    fn request(&self, question: Outgoing<'_>, within: Duration) -> BoxFuture<'static, Result<Message, BrokerError>> {
        self.1.outgoing(question, |question| self.0.request(question, within))
    }

    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }

    fn flush(&self) -> BoxFuture<'static, Result<(), BrokerError>> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_but_a_reply_has_the_prefix_and_groups_have_no_dots() {
        let prefix = Prefix::new("staging.eu.");
        let named = |place| prefix.place(place).borrow().to_string();
        let (group, topic, after) = ("shop", "orders", Duration::ZERO);
        assert_eq!(named(Place::Topic(topic)), "staging.eu.orders");
        assert_eq!(named(Place::Dead { group, topic }), "dead.staging-eu-shop.staging.eu.orders");
        assert_eq!(named(Place::Retry { group, topic, after }), "retry.staging-eu-shop.staging.eu.orders");
        assert!(matches!(prefix.place(Place::Reply("inbox")).borrow(), Place::Reply("inbox")));
    }

    #[test]
    fn the_reader_of_dead_letters_finds_the_place_that_they_are_written_to() {
        let prefix = Prefix::new("staging.");
        let options = |place: Place<'_>, group| prefix.options(&SubscribeOptions::new(place.to_string(), group));
        let dead = Place::Dead { group: "shop", topic: "orders" };
        let reader = options(dead, crate::contract::REDRIVE);
        assert_eq!(*reader.topic, prefix.place(dead).borrow().to_string());
        assert_eq!(&*reader.group, crate::contract::REDRIVE);
        let other = options(Place::Topic("orders"), "shop");
        assert_eq!((&*other.topic, &*other.group), ("staging.orders", "staging-shop"));
    }

    #[test]
    fn a_prefix_is_the_beginning_of_a_name() {
        assert!(["staging.", "a-b_C.", "x"].into_iter().all(Prefix::is_valid));
        assert!(!["", ".a", "a b", "größe.", "a/", "dead.", "retry.x", "{a}."].into_iter().any(Prefix::is_valid));
    }
}
