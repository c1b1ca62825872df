//! A broker that is connected, and the patience with one that is not there yet.

use crate::contract::{Connection, Difference, Place, Provision, Publish, SubscribeOptions, Subscription};
use crate::observe::Lag;
use crate::registry::Entry;
use crate::supervision::GRACE;
use crate::{Broker, BrokerError, BrokerErrorKind, BrokersError};
use futures_util::future::{BoxFuture, join_all};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep};

/// A broker that is connected.
pub(crate) struct Open {
    /// Which one of the registry.
    pub(crate) at: usize,
    pub(crate) entry: Entry,
    pub(crate) broker: Broker,
    pub(crate) publish: Arc<dyn Publish>,
    pub(crate) line: Line,
    patience: Patience,
}

/// The connection, which is called from one task at a time.
#[derive(Clone)]
pub(crate) struct Line(Arc<Mutex<Arc<dyn Connection>>>);

impl Line {
    pub(crate) async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError> {
        self.0.lock().await.subscribe(options).await
    }

    /// How far a group is behind, asked as long as the connection is there.
    pub(crate) fn lag(&self, options: SubscribeOptions) -> Lag {
        let line = Arc::downgrade(&self.0);
        Box::new(move || {
            let (line, options) = (line.clone(), options.clone());
            Box::pin(async move { line.upgrade()?.lock().await.lag(&options).await.ok()? })
        })
    }

    pub(crate) async fn close(&self, within: Duration) -> Result<(), BrokerError> {
        self.0.lock().await.close(within).await
    }
}

impl Open {
    pub(crate) async fn provision(
        &self,
        wanted: &[Place<'_>],
        mode: Provision,
    ) -> Result<Vec<Difference>, BrokerError> {
        let line = self.line.0.lock().await;
        self.patience.with("its topics cannot be looked at", || line.provision(wanted, mode)).await
    }

    pub(crate) async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, BrokerError> {
        let line = self.line.0.lock().await;
        self.patience.with("no subscription", || line.subscribe(options)).await
    }
}

/// Connects all of them at once. One that can never be connected ends the waiting for the others.
pub(crate) async fn connect(entries: Vec<Entry>) -> (Vec<Open>, Vec<BrokersError>) {
    let hopeless = watch::Sender::new(false);
    let connecting = entries.into_iter().enumerate().filter_map(|(at, entry)| {
        let Some(broker) = entry.broker.clone() else {
            // Nobody can publish to a default broker that is not there.
            entry.link.close();
            return None;
        };
        let hopeless = &hopeless;
        Some(async move {
            let scheme = broker.scheme();
            open(at, entry, broker, hopeless.subscribe()).await.map_err(|source| {
                if source.is_permanent() {
                    hopeless.send_replace(true);
                }
                BrokersError::Connect { scheme, source }
            })
        })
    });
    let (mut open, mut errors) = (Vec::new(), Vec::new());
    for connected in join_all(connecting).await {
        match connected {
            Ok(connected) => open.push(connected),
            Err(error) => errors.push(error),
        }
    }
    (open, errors)
}

async fn open(at: usize, entry: Entry, broker: Broker, hopeless: watch::Receiver<bool>) -> Result<Open, BrokerError> {
    let patience = Patience::new(&broker, hopeless.clone());
    let connecting = async {
        let connection = patience.with("not connected", || broker.connector().connect()).await?;
        let publish = patience.with("not connected", || connection.publisher()).await?;
        Ok((connection, publish))
    };
    tokio::select! {
        biased;
        connected = connecting => {
            let (connection, publish) = connected?;
            let line = Line(Arc::new(Mutex::new(connection)));
            Ok(Open { at, entry, broker: broker.clone(), publish, line, patience })
        }
        () = async { told(hopeless).await; sleep(GRACE).await } => {
            Err(BrokerError::new(BrokerErrorKind::Unavailable, "it had not answered when another broker failed"))
        }
    }
}

/// Waits until another broker has failed for good: for ever once all are connected.
async fn told(mut hopeless: watch::Receiver<bool>) {
    if hopeless.wait_for(|hopeless| *hopeless).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A broker may start later than the application.
struct Patience {
    scheme: &'static str,
    within: Duration,
    until: Instant,
    hopeless: watch::Receiver<bool>,
}

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Patience {
    fn new(broker: &Broker, hopeless: watch::Receiver<bool>) -> Self {
        let within = broker.patience();
        let far = Duration::from_secs(86_400);
        Self { scheme: broker.scheme(), within, until: Instant::now() + within.min(far), hopeless }
    }

    /// Tries until it works, can never work, or took too long.
    async fn with<'a, T>(
        &self,
        what: &str,
        mut attempt: impl FnMut() -> BoxFuture<'a, Result<T, BrokerError>>,
    ) -> Result<T, BrokerError> {
        let mut wait = FIRST_WAIT;
        loop {
            let error = match attempt().await {
                Err(error) if !error.is_permanent() => error,
                ended => return ended,
            };
            let now = Instant::now();
            if now >= self.until || *self.hopeless.borrow() {
                return Err(error);
            }
            if wait == FIRST_WAIT {
                let (scheme, error) = (self.scheme, error.to_string());
                tracing::warn!(scheme, error, within = ?self.within, "{what}: the broker is waited for");
            }
            // With a random part, so that what was started together does not come back together.
            let jittered = wait.mul_f64(0.5 + fastrand::f64() / 2.0).min(self.until - now);
            tokio::select! {
                () = sleep(jittered) => {}
                () = told(self.hopeless.clone()) => {}
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}
