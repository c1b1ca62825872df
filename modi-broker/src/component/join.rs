//! What a subscriber needs to join its group, at the start and again later.

use super::check::Wanted;
use super::open::{Line, Open};
use crate::contract::{Credit, Publish, SubscribeOptions, Subscription};
use crate::handler::{About, Order, Results};
use crate::observe::Lag;
use crate::pipeline::{Control, Counters, Parts};
use crate::registry::Registry;
use crate::{BrokerError, Publisher};
use modi_core::{HandlerNode, Host, ScopePlan};
use std::sync::Arc;

/// The place of a subscriber at its broker.
pub(super) struct Seat {
    pub(super) about: Arc<About>,
    options: SubscribeOptions,
    members: usize,
    line: Line,
    publish: Arc<dyn Publish>,
    host: Host,
    node: &'static HandlerNode,
}

impl Seat {
    pub(super) fn new(
        wanted: &Wanted,
        open: &Open,
        registry: &Arc<Registry>,
        host: &Host,
        node: &'static HandlerNode,
    ) -> Self {
        let Wanted { name, spec, group, .. } = wanted;
        let topic: Arc<str> = spec.topic.into();
        let options = SubscribeOptions {
            topic: topic.clone(),
            group: group.clone(),
            limit: Credit { messages: spec.limit, bytes: spec.bytes },
            by_lane: spec.concurrency > 1 && spec.order == Order::Lane,
            start: spec.start.unwrap_or_default(),
        };
        let about = About {
            name: name.clone(),
            topic,
            group: group.clone(),
            system: open.broker.scheme(),
            deadline: spec.deadline,
            service: host.name().into(),
            on_error: registry.on_error(),
            errors: spec.errors.unwrap_or_else(|| registry.errors()),
            publish: spec.results.topics().iter().copied().map(Arc::from).collect(),
            replies: spec.results == Results::Reply,
            publisher: Publisher::new(registry.clone(), open.entry.link.clone()),
        };
        let (line, publish, host) = (open.line.clone(), open.publish.clone(), host.clone());
        Self { about: Arc::new(about), options, members: spec.tasks, line, publish, host, node }
    }

    /// How far its group is behind.
    pub(super) fn lag(&self) -> Lag {
        self.line.lag(self.options.clone())
    }

    /// What its handler is made of where it shares a subscription.
    pub(super) fn part(&self) -> (ScopePlan, Arc<About>, &'static str) {
        (self.host.plan(self.node), self.about.clone(), self.node.name)
    }

    /// Joins for the first time: the broker may come later.
    pub(super) async fn join_at_start(&self, open: &Open) -> Result<Vec<Subscription>, BrokerError> {
        let mut subscriptions = Vec::new();
        for _ in 0..self.members {
            subscriptions.push(open.subscribe(&self.options).await?);
        }
        Ok(subscriptions)
    }

    /// Joins again.
    pub(super) async fn join(&self) -> Result<Vec<Subscription>, BrokerError> {
        let mut subscriptions = Vec::new();
        for _ in 0..self.members {
            subscriptions.push(self.line.subscribe(&self.options).await?);
        }
        Ok(subscriptions)
    }

    /// What a member works with.
    pub(super) fn parts(&self, subscription: Subscription, control: Arc<Control>, counters: Arc<Counters>) -> Parts {
        Parts {
            subscription,
            publish: self.publish.clone(),
            plan: self.host.plan(self.node),
            about: self.about.clone(),
            name: self.node.name,
            control,
            counters,
        }
    }
}
