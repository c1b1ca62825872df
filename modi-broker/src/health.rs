//! Whether an application is ready and alive.

use crate::subscribers::{Roster, SubscriberState, SubscriberStatus};
use std::sync::Arc;
use std::time::Duration;

/// How an application is: see [`Subscribers::health`](crate::Subscribers::health).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// Its subscribers, in the order of the modules.
    pub subscribers: Vec<SubscriberStatus>,
    life: Life,
}

/// How far the application has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Life {
    #[default]
    Starting,
    Running,
    Stopping,
}

impl Health {
    pub(crate) fn new(life: Life, subscribers: Vec<SubscriberStatus>) -> Self {
        Self { subscribers, life }
    }

    /// Whether it does its work: it has started and does not stop, and each subscriber runs, or was paused or stopped by
    /// somebody. One that is degraded, reconnecting, restarting, failed or stuck is enough for a no.
    pub fn ready(&self) -> bool {
        let is_well = |subscriber: &SubscriberStatus| {
            let state = subscriber.state;
            matches!(state, SubscriberState::Running | SubscriberState::Paused | SubscriberState::Stopped)
        };
        self.life == Life::Running && self.live() && self.subscribers.iter().all(is_well)
    }

    /// Whether a new process could do no better: no subscriber is stuck.
    pub fn live(&self) -> bool {
        !self.subscribers.iter().any(|subscriber| subscriber.stuck)
    }
}

/// How often the subscribers are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at the subscribers from outside, so that it is known since when they are as they are, and says which are stuck.
pub(crate) async fn watch(roster: Arc<Roster>) {
    let subscribers = roster.list();
    let mut stuck = vec![false; subscribers.len()];
    loop {
        tokio::time::sleep(EVERY).await;
        for (subscriber, was_stuck) in subscribers.iter().zip(&mut stuck) {
            let status = subscriber.look();
            if status.stuck != *was_stuck {
                *was_stuck = status.stuck;
                match status.stuck {
                    true => tracing::error!(subscriber = status.name, "stuck: a handler holds its thread"),
                    false => tracing::warn!(subscriber = status.name, "not stuck any more"),
                }
            }
        }
    }
}
