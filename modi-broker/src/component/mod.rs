//! The brokers as a part of a running application: everything checked, connected, subscribed; drained; closed.
//!
//! | file | its job |
//! |---|---|
//! | `check` | what is found before anything is built |
//! | `open` | connecting, with patience |
//! | `join` | a subscriber's place at its broker |
//! | `supervise` | a subscriber's task: run, stop, start, restart |

mod check;
mod join;
mod open;
mod supervise;

use crate::contract::{Difference, Place, Provision, Subscription};
use crate::handler::Subscriber;
use crate::needs::{Fit, compare};
use crate::pipeline::{Report, SubscriberStats};
use crate::registry::Registry;
use crate::start_error::BrokersError;
use crate::subscribers::Roster;
use crate::supervision::{GRACE, Supervision};
use crate::{BrokerError, BrokerErrorKind, Metrics, health};
use async_trait::async_trait;
use check::{Wanted, check};
use join::Seat;
use modi_core::{Component, Declared, Error, Host, Mounted, Result};
use open::{Open, connect};
use std::iter;
use std::sync::Arc;
use std::time::Duration;
use supervise::{Restarts, Supervisor};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Hosts every subscriber of the application.
pub(crate) struct Brokers {
    registry: Arc<Registry>,
    roster: Arc<Roster>,
    open: Vec<Open>,
    /// Supervisors. Dropping it ends what is in it.
    tasks: JoinSet<()>,
    /// Looks at them from outside.
    watch: JoinSet<()>,
}

/// A handler that is going to be a subscriber.
struct Listener {
    mounted: Mounted,
    subscriber: Subscriber,
    wanted: Wanted,
    /// They share its subscription, each with messages of its own.
    others: Vec<Self>,
}

/// Those that share a subscription become one.
fn together(listeners: Vec<Listener>) -> Vec<Listener> {
    let mut together: Vec<Listener> = Vec::new();
    for listener in listeners {
        match together.iter_mut().find(|first| first.wanted.shares_with(&listener.wanted)) {
            Some(first) => first.others.push(listener),
            None => together.push(listener),
        }
    }
    together
}

impl Brokers {
    pub(crate) fn new(registry: Arc<Registry>, roster: Arc<Roster>) -> Self {
        Self { registry, roster, open: Vec::new(), tasks: JoinSet::new(), watch: JoinSet::new() }
    }

    fn listeners(&self, host: &Host) -> Vec<Listener> {
        let mut listeners = Vec::new();
        for mounted in host.handlers() {
            let Mounted { module, node, .. } = mounted;
            let Some(wanted) = Wanted::of(Declared { module, node }, host.name(), &self.registry) else { continue };
            let Ok(subscriber) = (node.mount)(&mounted.live).downcast::<Subscriber>() else { continue };
            listeners.push(Listener { mounted, subscriber: *subscriber, wanted, others: Vec::new() });
        }
        listeners
    }

    async fn connect(&mut self) -> Result<(), BrokersError> {
        let (open, errors) = connect(self.registry.entries()).await;
        self.open = open;
        BrokersError::all(errors, Vec::new())
    }

    /// What messages are written to exists before the first message.
    async fn provision(&self, listeners: &[Listener]) -> Result<(), BrokersError> {
        let (mut errors, mut problems) = (Vec::new(), Vec::new());
        for open in &self.open {
            let mut wanted = Vec::new();
            for Wanted { spec, group, .. } in
                listeners.iter().map(|listener| &listener.wanted).filter(|wanted| wanted.broker == Some(open.at))
            {
                let later = Place::Retry { group, topic: spec.topic, after: Duration::ZERO };
                let topic = (!spec.is_pattern()).then_some(Place::Topic(spec.topic));
                let places = [Place::Dead { group, topic: spec.topic }, later];
                for place in
                    places.into_iter().chain(topic).chain(spec.results.topics().iter().copied().map(Place::Topic))
                {
                    if !wanted.contains(&place) {
                        wanted.push(place);
                    }
                }
            }
            let scheme = open.broker.scheme();
            let mode = open.broker.provisioning();
            if mode == Provision::Off {
                continue;
            }
            match open.provision(&wanted, mode).await {
                Ok(differences) => {
                    for Difference { what, missing } in differences {
                        match missing {
                            true => problems.push(format!("`{scheme}`: {what}")),
                            false => tracing::warn!(scheme, difference = what, "not as it is wanted"),
                        }
                    }
                }
                Err(source) => errors.push(BrokersError::Provision { scheme, source }),
            }
        }
        BrokersError::all(errors, problems)
    }

    async fn subscribe(&self, host: &Host, listeners: Vec<Listener>) -> Result<Vec<Joined>, BrokersError> {
        let (mut joined, mut errors, mut fits) = (Vec::new(), Vec::new(), Fit::default());
        for Listener { mounted, subscriber, mut wanted, others } in together(listeners) {
            let Some(open) = self.open.iter().find(|open| Some(open.at) == wanted.broker) else { continue };
            let seat = |wanted: &Wanted, mounted: &Mounted| Seat::new(wanted, open, &self.registry, host, mounted.node);
            let mut subscriber = subscriber;
            if wanted.spec.filter.is_some() || !others.is_empty() {
                let first = seat(&wanted, &mounted);
                let others = others.into_iter().map(|other| {
                    wanted.name = format!("{}, {}", wanted.name, other.wanted.name);
                    (other.subscriber, seat(&other.wanted, &other.mounted))
                });
                let all = iter::once((subscriber, first)).chain(others);
                subscriber = Subscriber::several(all.map(|(one, seat)| (one, move || seat.part())).collect());
            }
            let seat = seat(&wanted, &mounted);
            match seat.join_at_start(open).await {
                Ok(subscriptions) => {
                    if let Some(Subscription { capabilities, .. }) = subscriptions.first() {
                        let (scheme, abilities) = (open.broker.scheme(), open.publish.abilities());
                        let fit = compare(&wanted.name, scheme, &wanted.spec, capabilities, &abilities);
                        fits.problems.extend(fit.problems);
                        fits.deviations.extend(fit.deviations);
                    }
                    let counters = open.broker.count(&wanted.name, subscriptions.len());
                    let supervision = Arc::new(Supervision::new(wanted.name, wanted.spec.deadline, counters));
                    if let Some(metrics) = host.extension::<Metrics>() {
                        let broker = open.entry.name.as_deref();
                        metrics.watch(broker, &seat.about, supervision.clone(), seat.lag());
                    }
                    let (stop, policy, restarts) = (host.stop().clone(), wanted.spec.failure, Restarts::default());
                    joined.push((Supervisor { supervision, subscriber, seat, stop, policy, restarts }, subscriptions));
                }
                Err(source) => errors.push(BrokersError::Subscribe { subscriber: wanted.name, source }),
            }
        }
        BrokersError::all(errors, fits.problems)?;
        fits.deviations.iter().for_each(|deviation| tracing::warn!("{deviation}"));
        Ok(joined)
    }

    fn total(&self) -> SubscriberStats {
        let subscribers = self.roster.list();
        let counters = subscribers.iter().flat_map(|subscriber| &subscriber.counters);
        Report { subscribers: counters.map(|counters| SubscriberStats::of("", counters)).collect() }.total()
    }

    async fn join(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Whether everything ended in time.
    async fn join_within(&mut self, within: Duration) -> bool {
        timeout(within, self.join()).await.is_ok()
    }
}

/// A subscriber that is a member of its group, and has not asked for a message yet.
type Joined = (Supervisor, Vec<Subscription>);

#[async_trait]
impl Component for Brokers {
    fn name(&self) -> String {
        "the broker layer".to_owned()
    }

    fn takes_handlers(&self) -> bool {
        true
    }

    fn check(&self, application: &str, handlers: &[Declared]) -> Result {
        let wanted = handlers.iter().filter_map(|handler| Wanted::of(*handler, application, &self.registry));
        Ok(check(&wanted.collect::<Vec<_>>(), &self.registry.entries(), application)?)
    }

    async fn start(&mut self, host: &Host) -> Result {
        let listeners = self.listeners(host);
        self.connect().await?;
        self.provision(&listeners).await?;
        let joined = self.subscribe(host, listeners).await?;
        // The first message may be published from, so publishing is open before it.
        for Open { entry, publish, .. } in &self.open {
            entry.link.open(publish.clone());
            if let Some(metrics) = host.extension::<Metrics>() {
                metrics.watch_publishing(entry.name.as_deref(), entry.link.clone());
            }
        }
        let list = joined.iter().map(|(supervisor, _)| supervisor.supervision.clone()).collect();
        self.roster.fill(list, host.stop().clone());
        tracing::info!(subscribers = joined.len(), "ready");
        for (supervisor, subscriptions) in joined {
            self.tasks.spawn(supervisor.run(subscriptions));
        }
        self.watch.spawn(health::watch(self.roster.clone()));
        Ok(())
    }

    async fn drain(&mut self, within: Duration) -> Result {
        let before = self.total();
        self.roster.stops();
        let subscribers = self.roster.list();
        subscribers.iter().for_each(|subscriber| subscriber.end());
        if !self.join_within(within).await {
            subscribers.iter().for_each(|subscriber| subscriber.cut());
            if !self.join_within(GRACE).await {
                subscribers.iter().for_each(|subscriber| subscriber.abort());
                // What blocks its thread is not waited for.
                if !self.join_within(GRACE).await {
                    self.tasks.abort_all();
                }
            }
        }
        self.watch.abort_all();
        let mut first = Ok(());
        for open in &self.open {
            let flushed = timeout(GRACE, open.publish.flush()).await;
            let flushed = flushed.unwrap_or_else(|_| {
                let text = format!("publications are not confirmed after {GRACE:?}");
                Err(BrokerError::new(BrokerErrorKind::Unavailable, text))
            });
            first = first.and(flushed.map_err(Error::from));
        }
        let after = self.total();
        tracing::info!(
            finished = after.finished() - before.finished(),
            released = after.released - before.released,
            lost = after.lost - before.lost,
            left = after.in_flight(),
            "drained"
        );
        first
    }

    async fn close(&mut self) -> Result {
        let mut first = Ok(());
        for entry in self.registry.entries() {
            entry.link.close();
        }
        for open in self.open.drain(..) {
            let closed = open.line.close(GRACE).await;
            first = first.and(closed.map_err(Error::from));
        }
        first
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        // Publishers outlive an application that was dropped without a stop.
        self.registry.entries().iter().for_each(|entry| entry.link.close());
    }
}
