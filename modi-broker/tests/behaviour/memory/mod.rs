//! The broker in memory, as its contract shows it.

mod crash;
mod delays;
mod faults;
mod intake;
mod partitions;
mod patterns;
mod profiles;
mod requests;

use futures_util::FutureExt;
use modi_broker::contract::{
    Connect, Connection, Credit, Delivery, Outgoing, Publish, SettleResult, Settled, Settlement, Start,
    SubscribeOptions, Subscription, Verdict,
};
use modi_broker::{BrokerError, MemoryBroker, Message, Receipt};
use std::sync::Arc;
use std::time::Duration;

/// A subscription with a few words for what tests do with one.
pub(crate) struct Member(pub(crate) Subscription);

pub(crate) async fn connection(memory: &MemoryBroker) -> Arc<dyn Connection> {
    memory.connect().await.unwrap()
}

pub(crate) async fn publisher(memory: &MemoryBroker) -> Arc<dyn Publish> {
    connection(memory).await.publisher().await.unwrap()
}

pub(crate) async fn send(memory: &MemoryBroker, outgoing: Outgoing<'_>) -> Result<Receipt, BrokerError> {
    publisher(memory).await.send(outgoing).wait().await
}

pub(crate) async fn put(memory: &MemoryBroker, topic: &str, texts: &[&'static str]) {
    for text in texts {
        memory.publish(topic, Message::new(*text)).await.unwrap();
    }
}

impl Member {
    pub(crate) async fn join(memory: &MemoryBroker, topic: &str, group: &str) -> Self {
        Self::with(memory, SubscribeOptions::new(topic, group)).await
    }

    pub(crate) async fn from_now(memory: &MemoryBroker, topic: &str, group: &str) -> Self {
        Self::with(memory, SubscribeOptions { start: Start::Latest, ..SubscribeOptions::new(topic, group) }).await
    }

    pub(crate) async fn with(memory: &MemoryBroker, options: SubscribeOptions) -> Self {
        Self(connection(memory).await.subscribe(&options).await.unwrap())
    }

    /// What is there at once.
    pub(crate) fn look(&mut self, messages: usize) -> Vec<Delivery> {
        self.try_look(messages).unwrap()
    }

    pub(crate) fn try_look(&mut self, messages: usize) -> Result<Vec<Delivery>, BrokerError> {
        let mut into = Vec::new();
        let credit = Credit { messages, bytes: usize::MAX };
        self.0.source.next(credit, &mut into).now_or_never().unwrap_or(Ok(()))?;
        Ok(into)
    }

    /// Waits for something, at most an hour.
    pub(crate) async fn wait(&mut self, messages: usize) -> Vec<Delivery> {
        let mut into = Vec::new();
        let next = self.0.source.next(Credit { messages, bytes: usize::MAX }, &mut into);
        tokio::time::timeout(Duration::from_secs(3_600), next).await.unwrap().unwrap();
        into
    }

    pub(crate) async fn settle(&self, deliveries: Vec<Delivery>, verdict: Verdict) -> Vec<SettleResult> {
        let many = deliveries.len();
        let mut items: Vec<_> =
            deliveries.into_iter().map(|delivery| Settlement { lease: delivery.lease, verdict }).collect();
        match self.0.settle.settle(&mut items).wait().await {
            Settled::All(result) => vec![result; many],
            Settled::Each(results) => results,
        }
    }

    pub(crate) async fn done(&self, deliveries: Vec<Delivery>) -> Vec<SettleResult> {
        self.settle(deliveries, Verdict::Done).await
    }
}

pub(crate) fn texts(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| text(&delivery.message)).collect()
}

pub(crate) fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.payload().map_or(&[], |payload| &payload[..])).into_owned()
}
