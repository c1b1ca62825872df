//! What follows a failed attempt: what a hook says, and retries in place.

use super::attempt::{Attempted, End};
use super::backoff::{Next, OUTAGE, Round};
use super::counters::count;
use super::exit::Exit;
use super::job::{Paused, Room, Shared};
use super::work::{Part, Work};
use crate::contract::Origin;
use crate::dead_letter::FailureKind;
use crate::observe::TraceParent;
use crate::redelivery::Retried;
use crate::{BrokerErrorKind, Failed, Message, Outcome, PublishError};
use futures_util::future::BoxFuture;
use modi_core::scope::panic_text;
use modi_core::{Advice, BoxError, Error};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
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

    /// The broker is not there to publish to.
    fn is_of_broker(&self) -> bool {
        let published = self.error.get_ref().downcast_ref::<PublishError>();
        matches!(published, Some(PublishError::Broker { source, .. }) if source.kind() == BrokerErrorKind::Unavailable)
    }

    /// A message that was handed out again and again, and of which nobody ever said how it ended.
    #[inline]
    pub(super) fn crash(message: &Message, number: u32) -> Option<Self> {
        if Self::may_crash(number) { Self::crashed(message, number) } else { None }
    }

    /// So many times is a message handed out only after crashes, and copies that count those before them.
    #[inline]
    pub(super) const fn may_crash(number: u32) -> bool {
        number > CRASHES
    }

    #[cold]
    fn crashed(message: &Message, number: u32) -> Option<Self> {
        // Copies count those before them, which did come to an end.
        let handed_out = number - message.retried().map_or(0, |retried| retried.attempts.min(number));
        let text = format!("it was handed out {handed_out} times, and its handler never came to an end");
        (handed_out > CRASHES).then(|| Self { kind: FailureKind::Crash, error: Error::reject(text) })
    }
}

/// A message that is not tried again in place.
#[derive(Debug)]
pub(super) struct Suspicion {
    pub(super) story: Story,
    pub(super) failure: Failure,
    pub(super) later: Option<Later>,
}

/// It is put off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Later {
    pub(super) at: Instant,
    /// It takes a step of `redeliver`.
    pub(super) is_step: bool,
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

    pub(super) fn begin(message: &Message, number: u32, trace: Option<TraceParent>) -> Self {
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
    pub(super) fn retried(&self, is_step: bool, source: Option<String>) -> Retried {
        let Round { failures, step } = self.round;
        let (failures, step) = if is_step { (0, step + 1) } else { (failures, step) };
        Retried {
            attempts: self.attempts,
            step,
            failures,
            first_failure: self.first_failure,
            source,
            trace: self.trace,
        }
    }
}

/// What a hook said about a failed attempt, or nobody.
enum Said {
    GoesOn(Advice),
    Ends(End),
}

/// An error that a hook has made final.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
struct Rejected {
    reason: Cow<'static, str>,
    #[source]
    source: BoxError,
}

impl<W: Work> Shared<W> {
    /// Tries again, and at last writes a copy or the dead letter. Later messages of its key wait meanwhile. Boxed: failures
    /// are rare, and what every message needs stays small.
    ///
    /// An error ends the run: the dead letter can never be written, or the policy says so.
    #[cold]
    pub(super) fn failed<'a>(
        &'a self,
        message: &'a Message,
        number: u32,
        origin: Origin,
        room: &'a mut Room,
        failure: Failure,
    ) -> BoxFuture<'a, Result<End, Exit>> {
        Box::pin(async move {
            // This time its handler is not called.
            let number = number - u32::from(failure.kind == FailureKind::Crash);
            let mut story = Story::with(room.story.take(), message, number, room.signals.watch.trace());
            let mut failure = failure;
            let serial = self.breaker.serial();
            // Attempts that failed for the absence of the broker alone.
            let mut away = 0;
            let Part { spec, about, .. } = self.work.part(message);
            let later = loop {
                room.signals.watch.failed(failure.kind.as_str());
                // An outage must not fill the disk.
                if let Some(suppressed) = self.counters.lines.pass() {
                    room.signals.watch.within(|| {
                        tracing::warn!(
                            subscriber = &*about.name,
                            topic = &*about.topic,
                            attempt = story.attempts,
                            kind = failure.kind.as_str(),
                            error = format!("{:#}", failure.error),
                            suppressed = (suppressed > 0).then_some(suppressed),
                            "an attempt failed"
                        );
                    });
                }
                let said;
                (said, failure) = self.ask(message, failure, &story);
                let advice = match said {
                    Said::GoesOn(advice) => advice,
                    Said::Ends(end) => return Ok(end),
                };
                if advice == Advice::Reject {
                    break None;
                }
                // What was acknowledged before can neither be kept nor be given back.
                if !W::EARLY && self.is_outage(serial) {
                    return Ok(End::Kept);
                }
                // While the broker is away, a result that cannot be published says nothing about its message.
                let next = if failure.is_of_broker() {
                    away += 1;
                    story.round.failures = story.round.failures.saturating_sub(1);
                    Next::Again(OUTAGE.wait(away))
                } else {
                    spec.retries.next(story.round, advice, self.puts_off)
                };
                let later = match next {
                    Next::Again(wait) => {
                        match self.pause(wait, true).await {
                            Paused::Done => {}
                            Paused::Stopped => return Ok(End::Released),
                            Paused::Outage => return Ok(End::Kept),
                        }
                        count(&self.counters.retried);
                        room.signals.renew();
                        failure = match self.attempt(message, story.attempts.saturating_add(1), origin.lane, room).await
                        {
                            Attempted::Ended(end) => {
                                // It may still fail: its story goes on then.
                                room.story = (end == End::Unconfirmed).then_some(story);
                                return Ok(end);
                            }
                            Attempted::Cut => return Ok(End::Released),
                            Attempted::Failed(failure) => failure,
                        };
                        story = story.goes_on(room.signals.watch.trace());
                        continue;
                    }
                    // What is too far away to be a moment comes later than anybody waits.
                    Next::Later { after, is_step } => {
                        let at = Instant::now().checked_add(after.min(CENTURY)).unwrap_or_else(Instant::now);
                        Some(Later { at, is_step })
                    }
                    Next::Never => None,
                };
                // A message that stays keeps its place: nothing that comes after it is handled to judge it by.
                if W::EARLY || later.is_none() && spec.failure.keeps() {
                    break later;
                }
                room.suspicion = Some(Box::new(Suspicion { story, failure, later }));
                return Ok(End::Suspected);
            };
            self.conclude(message, origin, Suspicion { story, failure, later }).await
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

    /// Ends a message whose failure was its own.
    #[cold]
    pub(super) fn condemn<'a>(
        &'a self,
        message: &'a Message,
        origin: Origin,
        suspicion: Suspicion,
    ) -> BoxFuture<'a, Result<End, Exit>> {
        Box::pin(self.conclude(message, origin, suspicion))
    }

    /// Asks the subscriber's hook, then the application's, what is to follow.
    fn ask(&self, message: &Message, failure: Failure, story: &Story) -> (Said, Failure) {
        let Part { spec, about, .. } = self.work.part(message);
        let Failure { kind, error } = &failure;
        let next = spec.retries.next(story.round, error.advice(), self.puts_off);
        let has_retries = next != Next::Never;
        let failed = Failed { error, kind: *kind, attempt: story.attempts, has_retries, message, about };
        let own = spec.on_error.and_then(|hook| self.call(|| hook(&failed)));
        let outcome = own.or_else(|| about.on_error.as_ref().and_then(|hook| self.call(|| hook(&failed))));
        let said = match outcome {
            None => Said::GoesOn(error.advice()),
            Some(Outcome::Ack) => Said::Ends(End::Acked),
            Some(Outcome::Release) => Said::Ends(End::Released),
            Some(Outcome::Drop { reason }) => {
                tracing::debug!(subscriber = self.name, reason = &*reason, "a message was dropped on purpose");
                Said::Ends(End::Dropped)
            }
            Some(Outcome::Retry { after }) => Said::GoesOn(after.map_or(Advice::Retry, Advice::RetryAfter)),
            Some(Outcome::Reject { reason }) => {
                let error = Error::reject(Rejected { reason, source: failure.error.into() });
                return (Said::GoesOn(Advice::Reject), Failure { kind: FailureKind::Reject, error });
            }
        };
        (said, failure)
    }

    fn call(&self, hook: impl FnOnce() -> Option<Outcome>) -> Option<Outcome> {
        catch_unwind(AssertUnwindSafe(hook)).unwrap_or_else(|panic| {
            let panic = panic_text(&*panic);
            tracing::error!(subscriber = self.name, panic, "the hook that sees failed attempts panicked");
            None
        })
    }
}

/// A message that was handed out more often, with nobody saying how it ended, ends its process.
const CRASHES: u32 = 10;

/// Longer than any delay that is meant.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
