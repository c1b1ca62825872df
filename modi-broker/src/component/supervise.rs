//! The task of one subscriber: its members run, and what follows when they end.

use super::join::Seat;
use crate::contract::Subscription;
use crate::handler::Subscriber;
use crate::pipeline::{Control, Exit, Then, wait_before_restart};
use crate::supervision::{Phase, Supervision};
use crate::{BrokerError, BrokersError, FailurePolicy};
use modi_core::scope::panic_text;
use modi_core::{Error, Stop};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};

pub(super) struct Supervisor {
    pub(super) supervision: Arc<Supervision>,
    pub(super) subscriber: Subscriber,
    pub(super) seat: Seat,
    pub(super) stop: Stop,
    pub(super) policy: FailurePolicy,
    pub(super) restarts: Restarts,
}

/// How often it began again without any success.
#[derive(Default)]
pub(super) struct Restarts {
    in_a_row: u32,
    finished: u64,
}

const MOST_RESTARTS: u32 = 10;

impl Supervisor {
    /// Runs it until the application stops, beginning with these subscriptions.
    pub(super) async fn run(mut self, first: Vec<Subscription>) {
        let mut ready = Some(first);
        loop {
            if self.supervision.rests() {
                // Its group must not count on it.
                ready = None;
            }
            if !self.supervision.is_wanted().await {
                return;
            }
            let joined = match ready.take() {
                Some(subscriptions) => Ok(subscriptions),
                None => tokio::select! {
                    biased;
                    () = self.supervision.is_unwanted() => Err(Exit::Stopped),
                    joined = self.seat.join() => joined.map_err(|error| self.not_joined(error)),
                },
            };
            let exit = match joined {
                Ok(subscriptions) => self.work(subscriptions).await,
                Err(exit) => Ok(exit),
            };
            let (then, error) = match exit {
                Ok(Exit::Stopped) => {
                    self.supervision.set(Phase::Stopped, None);
                    continue;
                }
                Ok(Exit::Failed(error)) => (self.after_intake(), error.into()),
                Ok(Exit::GaveUp { then, error }) => (then, error),
                Err(panic) => return self.panicked(panic),
            };
            match then {
                Then::Stop => {
                    let text = text(&error);
                    tracing::error!(subscriber = &*self.supervision.name, error = text, "stopped: it cannot go on");
                    self.supervision.set(Phase::Failed, Some(text));
                }
                Then::Restart => match self.restarts.next(&self.supervision) {
                    Some(wait) => self.rest(wait, &error).await,
                    None => return self.fail_with(error),
                },
                Then::StopApp => return self.fail_with(error),
            }
        }
    }

    /// Runs the members side by side. One that cannot go on drains the others; the error is a panic.
    async fn work(&self, subscriptions: Vec<Subscription>) -> Result<Exit, JoinError> {
        let (mut tasks, mut members) = (JoinSet::new(), Vec::new());
        for (subscription, counters) in subscriptions.into_iter().zip(&self.supervision.counters) {
            let control = Arc::<Control>::default();
            let parts = self.seat.parts(subscription, control.clone(), counters.clone());
            members.push((control, tasks.spawn(self.subscriber.run(parts))));
        }
        let controls: Vec<_> = members.iter().map(|(control, _)| control.clone()).collect();
        self.supervision.runs(members);
        let mut first = Ok(Exit::Stopped);
        while let Some(ended) = tasks.join_next().await {
            let ended = match ended {
                // Ended by force, by somebody who does not want it any more.
                Err(error) if error.is_cancelled() => Ok(Exit::Stopped),
                ended => ended,
            };
            if !matches!(ended, Ok(Exit::Stopped)) {
                controls.iter().for_each(|control| control.drain());
                if matches!(first, Ok(Exit::Stopped)) {
                    first = ended;
                }
            }
        }
        first
    }

    /// A permanent error of the broker: the policy of failures holds, where one is written that says so.
    fn after_intake(&self) -> Then {
        match self.policy {
            FailurePolicy::Stop => Then::Stop,
            FailurePolicy::Restart => Then::Restart,
            _ => Then::StopApp,
        }
    }

    fn panicked(&self, panic: JoinError) {
        let (subscriber, message) = (self.supervision.name.to_string(), panic_text(&*panic.into_panic()));
        self.supervision.set(Phase::Failed, Some(format!("panicked: {message}")));
        self.stop.fail(BrokersError::Panicked { subscriber, message }.into());
    }

    /// Somebody waits for the start, or the next one is due.
    fn not_joined(&self, error: BrokerError) -> Exit {
        let then = if self.restarts.in_a_row > 0 { Then::Restart } else { Then::Stop };
        Exit::GaveUp { then, error: error.into() }
    }

    /// Waits before it begins again.
    async fn rest(&self, wait: Duration, error: &Error) {
        let text = text(error);
        tracing::error!(subscriber = &*self.supervision.name, error = text, ?wait, "it begins again after a while");
        self.supervision.set(Phase::Restarting, Some(text));
        let _wanted = tokio::time::timeout(wait, self.supervision.is_unwanted()).await;
    }

    fn fail_with(&self, error: Error) {
        let (subscriber, source) = (self.supervision.name.to_string(), error.into());
        let error = Error::new(BrokersError::Failed { subscriber, source });
        self.supervision.set(Phase::Failed, Some(text(&error)));
        self.stop.fail(error);
    }
}

fn text(error: &Error) -> String {
    format!("{error:#}")
}

impl Restarts {
    /// How long to wait before the next one; `None` when it is of no use.
    fn next(&mut self, supervision: &Supervision) -> Option<Duration> {
        let finished = supervision.finished();
        if finished > self.finished {
            *self = Self { in_a_row: 0, finished };
        }
        self.in_a_row += 1;
        (self.in_a_row <= MOST_RESTARTS).then(|| wait_before_restart(self.in_a_row))
    }
}
