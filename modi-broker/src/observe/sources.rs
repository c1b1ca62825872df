//! What Modi's own metrics are read from, when they are asked for: nothing is paid per message.

use super::seconds::Seconds;
use crate::SubscriberState;
use crate::handler::About;
use crate::pipeline::{COUNTED, SubscriberStats};
use crate::publisher::Link;
use crate::supervision::Supervision;
use futures_util::future::{BoxFuture, join_all};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// The subscribers and the ways out of one application.
#[derive(Default)]
pub(super) struct Sources {
    subscribers: Mutex<Vec<Source>>,
    links: Mutex<Vec<(Labels<1>, Arc<Link>)>>,
}

type Labels<const N: usize> = [(&'static str, Arc<str>); N];

/// Asks a broker how many messages a group has not finished; `None` where it does not tell.
pub(crate) type Lag = Box<dyn Fn() -> BoxFuture<'static, Option<u64>> + Send + Sync>;

/// One subscriber.
pub(super) struct Source {
    labels: Labels<4>,
    supervision: Arc<Supervision>,
    ask: Lag,
    /// What the broker said when it was last asked.
    lag: Option<u64>,
}

/// What a broker is called that has no name.
const DEFAULT: &str = "default";

/// How long a broker may take to say how far a group is behind.
const PATIENCE: Duration = Duration::from_secs(1);

impl Source {
    pub(super) fn new(broker: Option<&str>, about: &About, supervision: Arc<Supervision>, ask: Lag) -> Self {
        let labels = [
            ("subscriber", about.name.as_str().into()),
            ("topic", about.topic.clone()),
            ("group", about.group.clone()),
            ("broker", broker.unwrap_or(DEFAULT).into()),
        ];
        Self { labels, supervision, ask, lag: None }
    }
}

impl Sources {
    pub(super) fn add(&self, source: Source) {
        lock(&self.subscribers).push(source);
    }

    pub(super) fn add_link(&self, broker: Option<&str>, link: Arc<Link>) {
        lock(&self.links).push(([("broker", broker.unwrap_or(DEFAULT).into())], link));
    }

    /// Asks the brokers what only they know.
    pub(super) async fn ask(&self) {
        let asked: Vec<_> = lock(&self.subscribers).iter().map(|source| timeout(PATIENCE, (source.ask)())).collect();
        let lags = join_all(asked).await;
        for (source, lag) in lock(&self.subscribers).iter_mut().zip(lags) {
            source.lag = lag.ok().flatten();
        }
    }
}

impl Collector for Sources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let subscribers = lock(&self.subscribers);
        let looked: Vec<_> = subscribers.iter().map(Looked::at).collect();
        for (name, help, read) in COUNTED {
            let values = looked.iter().map(|looked| (looked.labels, read(&looked.stats)));
            counters(&mut encoder, name, help.trim(), values)?;
        }
        let links = lock(&self.links);
        let published = links.iter().map(|(labels, link)| (labels, link.published()));
        counters(&mut encoder, "modi_publications", "Messages that `Publisher`s published.", published)?;
        let failed = links.iter().map(|(labels, link)| (labels, link.failed()));
        counters(&mut encoder, "modi_publications_failed", "Messages that `Publisher`s could not publish.", failed)?;

        let gauges: [(_, _, Read); 6] = [
            ("modi_messages_in_flight", "Messages handed out that have not ended.", |at| Some(at.stats.in_flight())),
            ("modi_messages_lag", "Messages that the group has not finished, where the broker tells.", |at| at.lag),
            ("modi_subscriber_running", "1 while it handles messages, or waits for some.", |at| {
                Some(u64::from(at.state == SubscriberState::Running))
            }),
            ("modi_subscriber_paused", "1 while somebody has paused it.", |at| {
                Some(u64::from(at.state == SubscriberState::Paused))
            }),
            ("modi_subscriber_degraded", "1 while nothing succeeds, and one message probes now and then.", |at| {
                Some(u64::from(at.stats.degraded))
            }),
            ("modi_subscriber_stuck", "1 while its task does not run, because a handler holds the thread.", |at| {
                Some(u64::from(at.is_stuck))
            }),
        ];
        for (name, help, read) in gauges {
            let values = looked.iter().filter_map(|looked| Some((looked.labels, read(looked)?)));
            each(&mut encoder, name, help, MetricType::Gauge, values, |metric, value| {
                metric.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
            })?;
        }

        let help = "How long attempts took: one in 64, and each that follows one of at least 100 microseconds.";
        let mut family = encoder.encode_descriptor("modi_attempt_seconds", help, None, MetricType::Histogram)?;
        for Source { labels, supervision, .. } in &*subscribers {
            let members = supervision.counters.iter().map(|counters| counters.seconds());
            Seconds::encode(members, &mut family.encode_family(labels)?)?;
        }
        Ok(())
    }
}

type Read = fn(&Looked<'_>) -> Option<u64>;

/// A subscriber at this moment.
struct Looked<'a> {
    labels: &'a Labels<4>,
    stats: SubscriberStats,
    state: SubscriberState,
    is_stuck: bool,
    lag: Option<u64>,
}

impl<'a> Looked<'a> {
    fn at(source: &'a Source) -> Self {
        let Source { labels, supervision, lag, .. } = source;
        let (stats, status) = (supervision.stats(), supervision.look());
        Self { labels, stats, state: status.state, is_stuck: status.stuck, lag: *lag }
    }
}

fn counters<'a, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (&'a Labels<N>, u64)>,
) -> fmt::Result {
    let none = None::<&Exemplar<NoLabelSet, u64>>;
    each(encoder, name, help, MetricType::Counter, values, |metric, value| metric.encode_counter(&value, none))
}

fn each<'a, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    kind: MetricType,
    values: impl Iterator<Item = (&'a Labels<N>, u64)>,
    write: impl Fn(&mut MetricEncoder<'_>, u64) -> fmt::Result,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in values {
        write(&mut family.encode_family(labels)?, value)?;
    }
    Ok(())
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(lock(&self.subscribers).iter().map(|source| &source.labels)).finish()
    }
}
