//! The brokers as a part of a running application: everything checked, connected, subscribed; drained; closed.

mod check;

use crate::contract::{Connection, Credit, Place, Provision, Publish, Start, SubscribeOptions};
use crate::handler::{About, Order, Subscriber};
use crate::pipeline::{Control, Counters, Exit, Parts, Report, SubscriberStats};
use crate::registry::{Entry, Registry};
use crate::start_error::BrokersError;
use crate::{BrokerError, Publisher};
use async_trait::async_trait;
use check::{Wanted, check};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use modi_core::scope::panic_text;
use modi_core::{Component, Declared, Error, Host, Mounted, Result, Stop};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Hosts every subscriber of the application.
pub(crate) struct Brokers {
    registry: Arc<Registry>,
    open: Vec<Open>,
    controls: Vec<Arc<Control>>,
    counters: Vec<Arc<Counters>>,
    /// Dropping it ends what is in it.
    tasks: JoinSet<()>,
}

/// A broker that is connected.
struct Open {
    entry: Entry,
    connection: Arc<dyn Connection>,
    publish: Arc<dyn Publish>,
}

/// A handler that is going to be a subscriber.
struct Listener {
    mounted: Mounted,
    subscriber: Subscriber,
    wanted: Wanted,
}

/// What is left after the deadline gets this long to be completed and given back.
const GRACE: Duration = Duration::from_secs(1);

impl Brokers {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self { registry, open: Vec::new(), controls: Vec::new(), counters: Vec::new(), tasks: JoinSet::new() }
    }

    fn listeners(&self, host: &Host) -> Vec<Listener> {
        let mut listeners = Vec::new();
        for mounted in host.handlers() {
            let Mounted { module, node, .. } = mounted;
            let Some(wanted) = Wanted::of(Declared { module, node }, host.name(), &self.registry) else { continue };
            let Ok(subscriber) = (node.mount)(&mounted.live).downcast::<Subscriber>() else { continue };
            listeners.push(Listener { mounted, subscriber: *subscriber, wanted });
        }
        listeners
    }

    async fn connect(&mut self, entries: Vec<Entry>) -> Result<(), BrokersError> {
        for entry in entries {
            let Some(broker) = &entry.broker else {
                // Nobody can publish to a default broker that is not there.
                entry.link.close();
                continue;
            };
            let failed = |source| BrokersError::Connect { scheme: broker.scheme(), source };
            let connection = broker.connect().connect().await.map_err(failed)?;
            let publish = connection.publisher().await.map_err(failed)?;
            self.open.push(Open { entry, connection, publish });
        }
        Ok(())
    }

    async fn subscribe(&mut self, host: &Host, listeners: Vec<Listener>) -> Result<(), BrokersError> {
        let mut ready = Vec::new();
        for Listener { mounted, subscriber, wanted } in listeners {
            let Wanted { name, spec, group, broker } = wanted;
            let entries = self.registry.entries();
            let link = broker.map(|at| entries[at].link.clone());
            let open =
                self.open.iter().find(|open| link.as_ref().is_some_and(|link| Arc::ptr_eq(link, &open.entry.link)));
            let Some(Open { entry, connection, publish }) = open else { continue };
            let Some(broker) = &entry.broker else { continue };
            let topic: Arc<str> = spec.topic.into();
            let failed = |source| BrokersError::Subscribe { subscriber: name.clone(), source };
            let results = spec.publish.map(Arc::<str>::from);
            let later = Place::Retry { group: &group, topic: &topic, after: Duration::ZERO };
            let mut wanted = vec![Place::Topic(&topic), Place::Dead { group: &group, topic: &topic }, later];
            wanted.extend(results.as_deref().map(Place::Topic));
            for difference in connection.provision(&wanted, Provision::Missing).await.map_err(failed)? {
                tracing::warn!(subscriber = name, difference = difference.what, "not as it is wanted");
            }
            let by_lane = spec.concurrency > 1 && spec.order == Order::Lane;
            let options = SubscribeOptions {
                topic: topic.clone(),
                group: group.clone(),
                limit: Credit { messages: spec.limit, bytes: spec.bytes },
                by_lane,
                start: Start::Earliest,
            };
            let subscription = connection.subscribe(&options).await.map_err(failed)?;
            let about = About {
                name: name.clone(),
                topic,
                group,
                system: broker.scheme(),
                deadline: spec.deadline,
                service: host.name().into(),
                publish: results,
                publisher: Publisher::new(self.registry.clone(), entry.link.clone()),
            };
            let parts = Parts {
                subscription,
                publish: publish.clone(),
                plan: host.plan(mounted.node.edges),
                about: Arc::new(about),
                name: mounted.node.name,
                control: Arc::default(),
                counters: broker.count(name.clone()),
            };
            ready.push((name, subscriber, parts));
        }
        // The first message may be published from, so publishing is open before it.
        self.open.iter().for_each(|open| open.entry.link.open(open.publish.clone()));
        for (name, subscriber, parts) in ready {
            self.controls.push(parts.control.clone());
            self.counters.push(parts.counters.clone());
            self.tasks.spawn(supervise(name, subscriber.run(parts), host.stop().clone()));
        }
        Ok(())
    }

    fn total(&self) -> SubscriberStats {
        let subscribers = self.counters.iter().map(|counters| SubscriberStats::of("", counters)).collect();
        Report { subscribers }.total()
    }

    async fn join(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// A subscriber that fails or panics stops the application.
async fn supervise(name: String, run: BoxFuture<'static, Exit>, stop: Stop) {
    match AssertUnwindSafe(run).catch_unwind().await {
        Ok(Exit::Stopped) => {}
        Ok(Exit::Failed(source)) => stop.fail(BrokersError::Failed { subscriber: name, source: source.into() }.into()),
        Ok(Exit::GaveUp { error, .. }) => {
            stop.fail(BrokersError::Failed { subscriber: name, source: error.into() }.into());
        }
        Err(panic) => {
            let message = panic_text(&*panic);
            stop.fail(BrokersError::Panicked { subscriber: name, message }.into());
        }
    }
}

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
        self.connect(self.registry.entries()).await?;
        self.subscribe(host, listeners).await?;
        tracing::info!(subscribers = self.controls.len(), "ready");
        Ok(())
    }

    async fn drain(&mut self, within: Duration) -> Result {
        let before = self.total();
        self.controls.iter().for_each(|control| control.drain());
        if timeout(within, self.join()).await.is_err() {
            self.controls.iter().for_each(|control| control.cut());
            if timeout(GRACE, self.join()).await.is_err() {
                self.tasks.abort_all();
                // What blocks its thread is not waited for.
                let _stuck = timeout(GRACE, self.join()).await;
            }
        }
        let mut first = Ok(());
        for open in &self.open {
            let flushed = timeout(GRACE, open.publish.flush()).await;
            let flushed = flushed.unwrap_or_else(|_| {
                let text = format!("publications are not confirmed after {GRACE:?}");
                Err(BrokerError::new(crate::BrokerErrorKind::Unavailable, text))
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
            let closed = open.connection.close(GRACE).await;
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
