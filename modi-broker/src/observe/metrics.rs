//! The metrics of an application: its own and Modi's, in one registry, as OpenMetrics text.

use super::sources::{Lag, Source, Sources};
use crate::handler::About;
use crate::publisher::Link;
use crate::supervision::Supervision;
use crate::{Attempt, FromMessage};
use modi_core::graph::Key;
use modi_core::{Dependency, Error, Module, Resolver, Result};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The metrics of one application. Cheap to clone; a dependency of services, an argument of handlers, and
/// [`RunningAppExt::metrics`](crate::RunningAppExt::metrics).
///
/// What Modi counts is read when it is asked for; `docs/metrics.md` lists it. Metrics of your own are made with the crate
/// [`prometheus_client`] and registered here. Two applications in one process share nothing.
///
/// ```
/// use modi_broker::prometheus_client::metrics::counter::Counter;
/// use modi_broker::{AppExt, Broker, RunningAppExt};
/// use modi_core::App;
/// # mod empty { include!("../../tests/common/empty.rs"); }
/// # use empty::Empty;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let app = App::new(Empty).broker(Broker::memory()).start().await?;
/// let paid: Counter = Counter::default();
/// app.metrics().register(|registry| registry.register("shop_paid", "Orders that were paid", paid.clone()));
/// paid.inc();
/// assert!(app.metrics().encode().await?.contains("shop_paid_total 1\n"));
/// app.stop().await
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    sources: Arc<Sources>,
}

impl Metrics {
    /// The content type of what [`Metrics::encode`] writes, for a server that hands it out.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    pub(crate) fn new() -> Self {
        let (mut registry, sources) = (Registry::default(), Arc::<Sources>::default());
        registry.register_collector(Box::new(sources.clone()));
        Self { registry: Arc::new(Mutex::new(registry)), sources }
    }

    /// Adds metrics of your own: the closure gets the registry, and is called once, at once.
    pub fn register<T>(&self, add: impl FnOnce(&mut Registry) -> T) -> T {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes them as OpenMetrics text. The brokers are asked how far each group is behind; one that has not answered
    /// after 1 second is left out.
    ///
    /// # Errors
    ///
    /// Those of a collector that was registered.
    pub async fn encode(&self) -> Result<String> {
        self.sources.ask().await;
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        text::encode(&mut text, &registry)?;
        Ok(text)
    }

    /// Watches a subscriber from now on.
    pub(crate) fn watch(&self, broker: Option<&str>, about: &About, supervision: Arc<Supervision>, lag: Lag) {
        self.sources.add(Source::new(broker, about, supervision, lag));
    }

    /// Watches what is published to a broker.
    pub(crate) fn watch_publishing(&self, broker: Option<&str>, link: Arc<Link>) {
        self.sources.add_link(broker, link);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl<M: Module> Dependency<M> for Metrics {
    const TO: Option<Key> = None;

    fn take(cx: &Resolver<'_, M>) -> Result<Self, Error> {
        cx.extension::<Self>().cloned().ok_or_else(|| {
            Error::new(format!(
                "`{}` needs `Metrics`, and the application has no broker: add one with `.broker(..)`",
                cx.holder()
            ))
        })
    }
}

impl<M: Module> FromMessage<M> for Metrics {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Dependency::take(attempt.resolver())
    }
}
