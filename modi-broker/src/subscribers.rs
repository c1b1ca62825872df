//! The subscribers of a running application under control.

use crate::health::{Health, Life};
use crate::supervision::Supervision;
use crate::{Attempt, FromMessage, Metrics};
use modi_core::graph::Key;
use modi_core::{Dependency, Error, Module, Resolver, RunningApp, Stop};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The subscribers of the application: how they are, and how to pause, stop and start each of them while the application
/// runs. Cheap to clone; a dependency of services, an argument of handlers, and [`RunningAppExt::subscribers`].
///
/// A subscriber is called as in log lines and reports: `Module::handler`.
///
/// ```
/// use modi_broker::{Broker, AppExt, RunningAppExt};
/// use modi_core::App;
/// # mod empty { include!("../tests/common/empty.rs"); }
/// # use empty::Empty;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let app = App::new(Empty).broker(Broker::memory()).start().await?;
/// let subscribers = app.subscribers();
/// for subscriber in subscribers.list() {
///     println!("{} is {} since {:?}", subscriber.name, subscriber.state, subscriber.since);
/// }
/// assert!(subscribers.health().ready());
/// assert!(subscribers.pause("Orders::created").is_err(), "there is none of this name");
/// app.stop().await
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Subscribers(Arc<Roster>);

/// What a subscriber does at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubscriberState {
    /// It joins its group.
    Starting,
    /// It handles messages, or waits for some.
    Running,
    /// Somebody paused it: it stays in its group, and asks for nothing.
    Paused,
    /// Nothing succeeds, so it tries one message now and then: see
    /// [`SubscriberStats::degraded`](crate::SubscriberStats::degraded).
    Degraded,
    /// The broker gives it errors in the place of messages.
    Reconnecting,
    /// It failed, and begins again after a while.
    Restarting,
    /// Somebody stopped it, or the application has stopped.
    Stopped,
    /// It failed, and does not begin again by itself.
    Failed,
}

/// How a subscriber is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SubscriberStatus {
    /// `Module::handler`.
    pub name: String,
    /// What it does.
    pub state: SubscriberState,
    /// Since when, to a second or so.
    pub since: SystemTime,
    /// The error that it is in this state for.
    pub error: Option<String>,
    /// Its task does not run: a handler holds the thread, or all threads are held, for longer than twice the handler's
    /// deadline. One that waits, for its next attempt too, is not stuck.
    pub stuck: bool,
}

/// Why a subscriber cannot be controlled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscriberError {
    /// There is none of this name.
    #[error("there is no subscriber `{name}`: there are {}", names(known))]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// It cannot run again.
    #[error("`{name}` cannot be started: {error}")]
    NotStarted {
        /// The subscriber.
        name: String,
        /// Why.
        error: String,
    },
    /// It does not end.
    #[error("`{name}` does not end: its handler holds its thread")]
    Stuck {
        /// The subscriber.
        name: String,
    },
}

fn names(known: &[String]) -> String {
    match known {
        [] => "none".to_owned(),
        known => known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

impl Subscribers {
    pub(crate) fn new(roster: Arc<Roster>) -> Self {
        Self(roster)
    }

    /// All of them, in the order of the modules.
    pub fn list(&self) -> Vec<SubscriberStatus> {
        self.0.lock().list.iter().map(|subscriber| subscriber.look()).collect()
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<SubscriberStatus> {
        self.find(name).ok().map(|subscriber| subscriber.look())
    }

    /// Whether the application is ready and alive, with what speaks against it.
    pub fn health(&self) -> Health {
        Health::new(self.0.life(), self.list())
    }

    /// Nothing more is asked of the broker for it; it finishes what it has in hand and stays in its group.
    ///
    /// # Errors
    ///
    /// [`SubscriberError::Unknown`].
    pub fn pause(&self, name: &str) -> Result<(), SubscriberError> {
        self.find(name).map(|subscriber| subscriber.pause(true))
    }

    /// Goes on after a pause.
    ///
    /// # Errors
    ///
    /// [`SubscriberError::Unknown`].
    pub fn resume(&self, name: &str) -> Result<(), SubscriberError> {
        self.find(name).map(|subscriber| subscriber.pause(false))
    }

    /// Finishes what it has in hand, leaves its group, and returns when that is done. What is not finished after 20
    /// seconds is given back. A handler that stops its own subscriber waits for itself.
    ///
    /// # Errors
    ///
    /// [`SubscriberError::Unknown`], [`SubscriberError::Stuck`].
    pub async fn stop(&self, name: &str) -> Result<(), SubscriberError> {
        self.find(name)?.stop().await
    }

    /// Joins its group again, and returns when that is done. One that runs goes on.
    ///
    /// # Errors
    ///
    /// [`SubscriberError::Unknown`], [`SubscriberError::NotStarted`].
    pub async fn start(&self, name: &str) -> Result<(), SubscriberError> {
        self.find(name)?.start().await
    }

    /// Waits for those that are about to begin or to begin again. Whether there were any.
    pub(crate) async fn settle(&self) -> bool {
        let mut waited = false;
        for subscriber in self.0.list() {
            waited |= subscriber.settles().await;
        }
        waited
    }

    fn find(&self, name: &str) -> Result<Arc<Supervision>, SubscriberError> {
        let inner = self.0.lock();
        let found = inner.list.iter().find(|subscriber| &*subscriber.name == name).cloned();
        let known = || inner.list.iter().map(|subscriber| subscriber.name.to_string()).collect();
        found.ok_or_else(|| SubscriberError::Unknown { name: name.to_owned(), known: known() })
    }
}

/// The subscribers of one application, and how far that has come.
#[derive(Default)]
pub(crate) struct Roster(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    life: Life,
    stop: Option<Stop>,
    list: Vec<Arc<Supervision>>,
}

impl Roster {
    /// Everything is there, and starts to run.
    pub(crate) fn fill(&self, list: Vec<Arc<Supervision>>, stop: Stop) {
        *self.lock() = Inner { life: Life::Running, stop: Some(stop), list };
    }

    pub(crate) fn stops(&self) {
        self.lock().life = Life::Stopping;
    }

    pub(crate) fn list(&self) -> Vec<Arc<Supervision>> {
        self.lock().list.clone()
    }

    fn life(&self) -> Life {
        let inner = self.lock();
        let stops = inner.stop.as_ref().is_some_and(Stop::is_stopped);
        if stops { Life::Stopping } else { inner.life }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the broker layer adds to an application that runs.
pub trait RunningAppExt {
    /// Its subscribers; none without a broker.
    fn subscribers(&self) -> Subscribers;
    /// Its metrics; without a broker Modi has none of its own.
    fn metrics(&self) -> Metrics;
}

impl<M: Module> RunningAppExt for RunningApp<M> {
    fn subscribers(&self) -> Subscribers {
        self.host().extension::<Subscribers>().cloned().unwrap_or_else(|| {
            let roster = Roster::default();
            roster.fill(Vec::new(), self.stop_handle());
            Subscribers::new(Arc::new(roster))
        })
    }

    fn metrics(&self) -> Metrics {
        self.host().extension::<Metrics>().cloned().unwrap_or_else(Metrics::new)
    }
}

impl<M: Module> Dependency<M> for Subscribers {
    const TO: Option<Key> = None;

    fn take(cx: &Resolver<'_, M>) -> Result<Self, Error> {
        cx.extension::<Self>().cloned().ok_or_else(|| {
            Error::new(format!(
                "`{}` needs the `Subscribers`, and the application has no broker: add one with `.broker(..)`",
                cx.holder()
            ))
        })
    }
}

impl<M: Module> FromMessage<M> for Subscribers {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Dependency::take(attempt.resolver())
    }
}

impl fmt::Display for SubscriberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Degraded => "degraded",
            Self::Reconnecting => "reconnecting",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        })
    }
}
impl fmt::Debug for Subscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.0.list();
        f.debug_list().entries(list.iter().map(|subscriber| &subscriber.name)).finish()
    }
}
