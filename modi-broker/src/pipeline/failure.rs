//! What follows a failed attempt: retries in place, then the dead letter.

use super::attempt::{Attempted, End};
use super::backoff::OUTAGE;
use super::control::Stage;
use super::counters::count;
use super::job::{Paused, Room, Shared};
use super::work::{Part, Work};
use crate::contract::{Outgoing, Place};
use crate::dead_letter::{self, FailureKind};
use crate::handler::Retries;
use crate::observe::TraceParent;
use crate::{BrokerError, Message};
use futures_util::future::BoxFuture;
use modi_core::{Advice, Error};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) error: Error,
}

impl Failure {
    /// An argument could not be taken from the message.
    pub(super) fn decode(error: Error) -> Self {
        Self { kind: FailureKind::Decode, error }
    }

    /// An error that came back from the handler, its scope or its publications.
    pub(super) fn returned(error: Error) -> Self {
        let kind = if error.advice() == Advice::Reject { FailureKind::Reject } else { FailureKind::Error };
        Self { kind, error }
    }
}

/// A message whose retries are used up.
#[derive(Debug)]
pub(super) struct Suspicion {
    story: Story,
    failure: Failure,
}

/// What the dead letter tells about the attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Story {
    /// Attempts that failed.
    pub(crate) attempts: u32,
    pub(crate) first_failure: SystemTime,
    pub(crate) last_failure: SystemTime,
    /// The span of the last one.
    pub(crate) trace: Option<TraceParent>,
}

impl Story {
    /// One more attempt has failed.
    fn with(before: Option<Self>, now: SystemTime, trace: Option<TraceParent>) -> Self {
        let (attempts, first_failure) = before.map_or((0, now), |before| (before.attempts, before.first_failure));
        Self { attempts: attempts + 1, first_failure, last_failure: now, trace }
    }
}

impl<W: Work> Shared<W> {
    /// Tries again, and at last writes the dead letter. Later messages of its key wait meanwhile. Boxed: failures are
    /// rare, and what every message needs stays small.
    ///
    /// An error means that the dead letter can never be written.
    #[cold]
    pub(super) fn failed<'a>(
        &'a self,
        message: &'a Message,
        number: u32,
        lane: u32,
        room: &'a mut Room,
        failure: Failure,
    ) -> BoxFuture<'a, Result<End, BrokerError>> {
        Box::pin(async move {
            let now = SystemTime::now();
            let mut story = Story::with(room.story.take(), now, room.watch.trace());
            let mut failure = failure;
            let serial = self.breaker.serial();
            let Part { spec, about, .. } = self.work.part(message);
            loop {
                room.watch.failed(failure.kind.as_str());
                room.watch.within(|| {
                    tracing::warn!(
                        subscriber = &*about.name,
                        topic = &*about.topic,
                        attempt = number + story.attempts - 1,
                        kind = failure.kind.as_str(),
                        error = format!("{:#}", failure.error),
                        "an attempt failed"
                    );
                });
                if failure.error.advice() == Advice::Reject {
                    break;
                }
                // What was acknowledged before can neither be kept nor be given back.
                if !W::EARLY && self.is_outage(serial) {
                    return Ok(End::Kept);
                }
                let Some(wait) = wait_after(&spec.retries, &failure, story.attempts) else {
                    if W::EARLY {
                        break;
                    }
                    room.suspicion = Some(Box::new(Suspicion { story, failure }));
                    return Ok(End::Suspected);
                };
                match self.pause(wait, true).await {
                    Paused::Done => {}
                    Paused::Stopped => return Ok(End::Released),
                    Paused::Outage => return Ok(End::Kept),
                }
                count(&self.counters.retried);
                failure = match self.attempt(message, number + story.attempts, lane, room).await {
                    Attempted::Ended(end) => {
                        // It may still fail: its story goes on then.
                        room.story = (end == End::Unconfirmed).then_some(story);
                        return Ok(end);
                    }
                    Attempted::Cut => return Ok(End::Released),
                    Attempted::Failed(failure) => failure,
                };
                story = Story::with(Some(story), SystemTime::now(), room.watch.trace());
            }
            self.bury(message, story, &failure).await
        })
    }

    /// Whether the breaker is open after this failure.
    fn is_outage(&self, serial: u64) -> bool {
        let (is_open, opened) = self.breaker.failed(serial);
        if opened {
            count(&self.counters.opened);
            self.counters.degraded.store(true, Ordering::Relaxed);
            let subscriber = &*self.name;
            tracing::error!(subscriber, "nothing succeeds any more: the intake pauses, and one message probes");
        }
        is_open
    }

    /// Writes the dead letter of a message whose failure was its own.
    #[cold]
    pub(super) fn condemn<'a>(
        &'a self,
        message: &'a Message,
        suspicion: Box<Suspicion>,
    ) -> BoxFuture<'a, Result<End, BrokerError>> {
        Box::pin(async move { self.bury(message, suspicion.story, &suspicion.failure).await })
    }

    /// Writes the dead letter, confirmed. While that is not possible the message stays unsettled.
    async fn bury(&self, message: &Message, story: Story, failure: &Failure) -> Result<End, BrokerError> {
        let Part { about, .. } = self.work.part(message);
        let letter = dead_letter::write(message, story, failure, about);
        let place = Place::Dead { group: &about.group, topic: &about.topic };
        let mut failures = 0;
        loop {
            let answer = self.publish.send(Outgoing::new(place, letter.clone()));
            let error = match self.unless(Stage::Cut, answer.wait()).await {
                None => return Ok(End::Released),
                Some(Ok(_)) => break,
                Some(Err(error)) => error,
            };
            let text = error.to_string();
            let (subscriber, place) = (&*about.name, place.to_string());
            if error.is_permanent() {
                tracing::error!(subscriber, place, error = text, "a dead letter can never be written");
                return Err(error);
            }
            tracing::error!(subscriber, place, error = text, "a dead letter was not written; its message stays");
            failures += 1;
            if matches!(self.pause(OUTAGE.wait(failures), false).await, Paused::Stopped) {
                return Ok(End::Released);
            }
        }
        if matches!(failure.kind, FailureKind::Reject | FailureKind::Decode) {
            count(&self.counters.rejected);
        }
        Ok(End::DeadLettered)
    }
}

/// How long to wait before the next attempt; `None` where there is none.
fn wait_after(retries: &Retries, failure: &Failure, failures: u32) -> Option<Duration> {
    match failure.error.advice() {
        _ if failures > retries.limit => None,
        Advice::RetryAfter(after) => Some(after.max(retries.wait(failures))),
        _ => Some(retries.wait(failures)),
    }
}
