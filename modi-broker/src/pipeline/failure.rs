//! What follows a failed attempt: retries in place, then a copy that comes later, and at last the dead letter.

use super::attempt::{Attempted, End};
use super::backoff::{Next, OUTAGE, Round};
use super::control::Stage;
use super::counters::count;
use super::job::{Paused, Room, Shared};
use super::work::{Part, Work};
use crate::contract::{Outgoing, Place};
use crate::dead_letter::{self, FailureKind};
use crate::observe::TraceParent;
use crate::redelivery::{self, Retried};
use crate::{BrokerError, Message};
use futures_util::future::BoxFuture;
use modi_core::{Advice, Error};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

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

/// A message that is not tried again in place.
#[derive(Debug)]
pub(super) struct Suspicion {
    story: Story,
    failure: Failure,
    later: Option<Later>,
}

/// It is put off.
#[derive(Clone, Copy, Debug)]
struct Later {
    at: Instant,
    is_step: bool,
}

/// What the dead letter tells about the attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Story {
    /// Attempts that failed, also before a copy that came again.
    pub(crate) attempts: u32,
    pub(crate) first_failure: SystemTime,
    pub(crate) last_failure: SystemTime,
    /// The span of the last one.
    pub(crate) trace: Option<TraceParent>,
    round: Round,
}

impl Story {
    /// One more attempt has failed: the first with this handing out, which has this number, or one after others.
    fn with(before: Option<Self>, message: &Message, number: u32, trace: Option<TraceParent>) -> Self {
        before.map_or_else(|| Self::begin(message, number, trace), |before| before.goes_on(trace))
    }

    fn begin(message: &Message, number: u32, trace: Option<TraceParent>) -> Self {
        let (now, retried) = (SystemTime::now(), message.retried());
        let (step, failures) = retried.map_or((0, 0), |retried| (retried.step, retried.failures));
        Self {
            attempts: number,
            first_failure: retried.map_or(now, |retried| retried.first_failure),
            last_failure: now,
            trace,
            round: Round { failures: failures.saturating_add(1), step },
        }
    }

    fn goes_on(self, trace: Option<TraceParent>) -> Self {
        let round = Round { failures: self.round.failures.saturating_add(1), ..self.round };
        Self { attempts: self.attempts.saturating_add(1), last_failure: SystemTime::now(), trace, round, ..self }
    }

    /// What a copy tells.
    fn retried(&self, is_step: bool) -> Retried {
        let Round { failures, step } = self.round;
        let (failures, step) = if is_step { (0, step + 1) } else { (failures, step) };
        Retried { attempts: self.attempts, step, failures, first_failure: self.first_failure, trace: self.trace }
    }
}

/// What became of a copy or a dead letter.
enum Written {
    Confirmed,
    /// The stop came first.
    Not,
    /// It never can be.
    Never(BrokerError),
}

impl<W: Work> Shared<W> {
    /// Tries again, and at last writes a copy or the dead letter. Later messages of its key wait meanwhile. Boxed: failures
    /// are rare, and what every message needs stays small.
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
            let mut story = Story::with(room.story.take(), message, number, room.watch.trace());
            let mut failure = failure;
            let serial = self.breaker.serial();
            let Part { spec, about, .. } = self.work.part(message);
            let later = loop {
                room.watch.failed(failure.kind.as_str());
                room.watch.within(|| {
                    tracing::warn!(
                        subscriber = &*about.name,
                        topic = &*about.topic,
                        attempt = story.attempts,
                        kind = failure.kind.as_str(),
                        error = format!("{:#}", failure.error),
                        "an attempt failed"
                    );
                });
                let advice = failure.error.advice();
                if advice == Advice::Reject {
                    break None;
                }
                // What was acknowledged before can neither be kept nor be given back.
                if !W::EARLY && self.is_outage(serial) {
                    return Ok(End::Kept);
                }
                let later = match spec.retries.next(story.round, advice, self.puts_off) {
                    Next::Again(wait) => {
                        match self.pause(wait, true).await {
                            Paused::Done => {}
                            Paused::Stopped => return Ok(End::Released),
                            Paused::Outage => return Ok(End::Kept),
                        }
                        count(&self.counters.retried);
                        room.signals.renew();
                        failure = match self.attempt(message, story.attempts.saturating_add(1), lane, room).await {
                            Attempted::Ended(end) => {
                                // It may still fail: its story goes on then.
                                room.story = (end == End::Unconfirmed).then_some(story);
                                return Ok(end);
                            }
                            Attempted::Cut => return Ok(End::Released),
                            Attempted::Failed(failure) => failure,
                        };
                        story = story.goes_on(room.watch.trace());
                        continue;
                    }
                    // What is too far away to be a moment comes later than anybody waits.
                    Next::Later { after, is_step } => {
                        let at = Instant::now().checked_add(after.min(CENTURY)).unwrap_or_else(Instant::now);
                        Some(Later { at, is_step })
                    }
                    Next::Never => None,
                };
                if W::EARLY {
                    break later;
                }
                room.suspicion = Some(Box::new(Suspicion { story, failure, later }));
                return Ok(End::Suspected);
            };
            self.conclude(message, &Suspicion { story, failure, later }).await
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

    /// Writes the copy or the dead letter of a message whose failure was its own.
    #[cold]
    pub(super) fn condemn<'a>(
        &'a self,
        message: &'a Message,
        suspicion: Box<Suspicion>,
    ) -> BoxFuture<'a, Result<End, BrokerError>> {
        Box::pin(async move { self.conclude(message, &suspicion).await })
    }

    async fn conclude(&self, message: &Message, suspicion: &Suspicion) -> Result<End, BrokerError> {
        let Suspicion { story, failure, later } = suspicion;
        let about = &self.work.part(message).about;
        let (group, topic) = (&*about.group, &*about.topic);
        if let Some(Later { at, is_step }) = *later {
            let copy = redelivery::copy(message, &story.retried(is_step));
            let left = || at.saturating_duration_since(Instant::now());
            match self.write(|| Place::Retry { group, topic, after: left() }, &copy, &about.name).await {
                Written::Confirmed => return Ok(End::Redelivered),
                Written::Not => return Ok(End::Released),
                Written::Never(error) => {
                    let error = error.to_string();
                    tracing::error!(subscriber = &*about.name, error, "a message cannot be put off, and is given up");
                }
            }
        }
        self.bury(message, *story, failure).await
    }

    /// Writes the dead letter, confirmed. While that is not possible the message stays unsettled.
    async fn bury(&self, message: &Message, story: Story, failure: &Failure) -> Result<End, BrokerError> {
        let about = &self.work.part(message).about;
        let letter = dead_letter::write(message, story, failure, about);
        let place = Place::Dead { group: &about.group, topic: &about.topic };
        match self.write(|| place, &letter, &about.name).await {
            Written::Confirmed => {}
            Written::Not => return Ok(End::Released),
            Written::Never(error) => return Err(error),
        }
        if matches!(failure.kind, FailureKind::Reject | FailureKind::Decode) {
            count(&self.counters.rejected);
        }
        Ok(End::DeadLettered)
    }

    /// Writes a message, confirmed, however long that takes: until then the original stays.
    async fn write<'a>(&self, place: impl Fn() -> Place<'a>, message: &Message, subscriber: &str) -> Written {
        let mut failures = 0;
        loop {
            let to = place();
            let answer = self.publish.send(Outgoing::new(to, message.clone()));
            let error = match self.unless(Stage::Cut, answer.wait()).await {
                None => return Written::Not,
                Some(Ok(_)) => return Written::Confirmed,
                Some(Err(error)) => error,
            };
            let (text, place) = (error.to_string(), to.to_string());
            if error.is_permanent() {
                tracing::error!(subscriber, place, error = text, "what follows a failure can never be written");
                return Written::Never(error);
            }
            tracing::error!(
                subscriber,
                place,
                error = text,
                "what follows a failure was not written; its message stays"
            );
            failures += 1;
            if matches!(self.pause(OUTAGE.wait(failures), false).await, Paused::Stopped) {
                return Written::Not;
            }
        }
    }
}

/// Longer than any delay that is meant.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
