//! The memory broker as a connection of an application.

use super::MemoryBroker;
use super::member::{Half, Member};
use super::publishing::Publisher;
use crate::contract::{
    Connect, Connection, Difference, Pattern, Place, Provision, Publish, SubscribeOptions, Subscription,
};
use crate::{BrokerError, BrokerErrorKind};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

#[async_trait]
impl Connect for MemoryBroker {
    async fn connect(&self) -> Result<Arc<dyn Connection>, BrokerError> {
        self.reach()?;
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Connection for MemoryBroker {
    async fn provision(&self, wanted: &[Place<'_>], mode: Provision) -> Result<Vec<Difference>, BrokerError> {
        self.reach()?;
        let mut differences = Vec::new();
        for place in wanted {
            let name = match place {
                // A pattern makes no topic, and retries and answers have their place without one.
                Place::Topic(name) if Pattern::parse(name).is_ok_and(|pattern| !pattern.is_topic()) => continue,
                Place::Topic(_) | Place::Dead { .. } => place.to_string(),
                Place::Retry { .. } | Place::Reply(_) => continue,
            };
            match mode {
                Provision::Missing => drop(self.place_of(&name)),
                Provision::Verify if self.inner.topics.look(&name).is_none() => {
                    differences.push(Difference { what: format!("topic `{name}` does not exist"), missing: true });
                }
                Provision::Verify | Provision::Off => {}
            }
        }
        Ok(differences)
    }

    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError> {
        self.reach()?;
        let refused = |what: String| BrokerError::new(BrokerErrorKind::Refused, what);
        let pattern = Pattern::parse(&options.topic)
            .map_err(|error| refused(format!("`{}`: {error}", options.topic)).with_source(error))?;
        if !pattern.is_topic() && !self.rules().patterns {
            let text = format!("`{}`: {} has no patterns", options.topic, self.rules().name);
            return Err(BrokerError::new(BrokerErrorKind::Unsupported, text));
        }
        let member = Arc::new(Member::new(options, !pattern.is_topic(), self.inner.shared.clone()));
        self.inner.topics.seat(&member, options.start, &self.make());
        Ok(Subscription {
            capabilities: self.rules().capabilities(options),
            lanes: member.lanes.clone(),
            source: Box::new(Half::new(member.clone())),
            settle: Arc::new(Half::new(member)),
        })
    }

    async fn publisher(&self) -> Result<Arc<dyn Publish>, BrokerError> {
        self.reach()?;
        Ok(Arc::new(Publisher::new(self.clone())))
    }

    async fn lag(&self, options: &SubscribeOptions) -> Result<Option<u64>, BrokerError> {
        self.reach()?;
        Ok(self.inner.topics.lag(&options.topic, &options.group))
    }

    async fn close(&self, _: Duration) -> Result<(), BrokerError> {
        Ok(())
    }
}
