//! One attempt: decode, open the scope, call, complete the scope.

use super::control::Stage;
use super::counters::count;
use super::failure::Failure;
use super::job::{Room, Shared};
use super::work::Work;
use crate::dead_letter::FailureKind;
use crate::handler::{Left, Responses, Signals};
use crate::{Message, Outcome, Reply};
use modi_core::scope::panic_text;
use modi_core::{Completion, Error, Scope};
use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::time::timeout;

/// What an attempt came to.
pub(super) enum Attempted {
    Ended(End),
    Failed(Failure),
    /// The stop cut it off.
    Cut,
}

impl Attempted {
    /// The handler did not come to its own end.
    #[cold]
    pub(super) fn is_cut_off(&self) -> bool {
        match self {
            Self::Ended(_) => false,
            Self::Failed(failure) => matches!(failure.kind, FailureKind::Panic | FailureKind::Deadline),
            Self::Cut => true,
        }
    }
}

/// How a message ends for this subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Acked,
    Released,
    Dropped,
    DeadLettered,
    /// Its retries are used up, and the policy does not keep it.
    Discarded,
    /// It comes again later: a copy waits with the broker.
    Redelivered,
    /// Not by the pipeline: somebody has its lease, or had it and has settled it.
    ByHand,
    /// Not yet: what its handler published is not confirmed.
    Unconfirmed,
    /// Not yet: it failed while the breaker is open, and is handled when that closes.
    Kept,
    /// Not yet: its retries are used up, and the next messages tell whether that is its own fault.
    Suspected,
}

impl End {
    pub(super) fn is_success(self) -> bool {
        matches!(self, Self::Acked | Self::Dropped)
    }
}

impl<W: Work> Shared<W> {
    /// From its start to the end of its scope and of its publications.
    #[inline]
    pub(super) async fn attempt(&self, message: &Message, number: u32, lane: u32, room: &mut Room) -> Attempted {
        let mut signals = std::mem::take(&mut room.signals);
        signals.watch.begin(message, number, || &self.work.part(message).about);
        let attempted = {
            let mut running = pin!(Some(self.work.attempt(message, number, lane, room, &signals)));
            self.see_through(message, &signals, running.as_mut()).await
        };
        signals.watch.handled(self.counters.seconds());
        signals.end(|| attempted.is_cut_off());
        let mut attempted =
            if W::BY_HAND { self.leave_to_lease(attempted, &signals, &mut room.responses) } else { attempted };
        room.signals = signals;
        if self.finish_now(&mut attempted, message, room) {
            attempted
        } else {
            self.finish(attempted, message, room).await
        }
    }

    /// A handler that took the lease leaves its message to whoever has it by now, if it succeeded.
    fn leave_to_lease(&self, attempted: Attempted, signals: &Signals, responses: &mut Responses) -> Attempted {
        let attempted = match std::mem::replace(responses, Responses::None) {
            Responses::None => attempted,
            _ => {
                let text =
                    "a handler that takes the `Lease` of its message publishes with a `Publisher`, not by its result";
                Attempted::Failed(Failure::returned(Error::reject(text)))
            }
        };
        match signals.lease(matches!(attempted, Attempted::Ended(End::Acked))) {
            Left::Parked | Left::Settled => Attempted::Ended(End::ByHand),
            Left::Dropped => {
                count(&self.counters.returned);
                Attempted::Ended(End::Released)
            }
            Left::Free => attempted,
        }
    }

    /// Lets the handler run until it waits.
    #[inline]
    pub(super) fn run<F: Future<Output = Result<End, Failure>>>(
        &self,
        running: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Attempted> {
        let Some(running) = running.as_pin_mut() else { return Poll::Ready(Attempted::Cut) };
        match catch_unwind(AssertUnwindSafe(|| running.poll(cx))) {
            Ok(Poll::Ready(Ok(end))) => Poll::Ready(Attempted::Ended(end)),
            Ok(Poll::Ready(Err(failure))) => Poll::Ready(Attempted::Failed(failure)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(self.panicked(&*panic)),
        }
    }

    /// Lets the handler run to its end, to its deadline, or until the stop cuts it off.
    pub(super) async fn see_through<F: Future<Output = Result<End, Failure>>>(
        &self,
        message: &Message,
        signals: &Signals,
        mut running: Pin<&mut Option<F>>,
    ) -> Attempted {
        let mut deadline = None;
        poll_fn(|cx| {
            signals.watch.enter();
            let polled = self.run(running.as_mut(), cx);
            signals.watch.exit();
            if let Poll::Ready(attempted) = polled {
                return Poll::Ready(attempted);
            }
            // The first wait reads the clock; nothing else ever does.
            let after = || {
                let ends = self.clock.after(self.work.part(message).spec.deadline);
                signals.waits(|| self.clock.instant(ends));
                ends
            };
            let cut_off = if self.control.has_reached(Stage::Cut) {
                Attempted::Cut
            } else if self.clock.has_come(*deadline.get_or_insert_with(after)) {
                signals.watch.late(self.counters.seconds(), self.work.part(message).spec.deadline);
                self.late(message)
            } else {
                return Poll::Pending;
            };
            // Dropped before its scope is completed.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| running.set(None))) {
                let (subscriber, panic) = (&*self.name, panic_text(&*panic));
                tracing::warn!(subscriber, panic, "a handler panicked while it was dropped");
            }
            Poll::Ready(cut_off)
        })
        .await
    }

    /// What follows a handler that succeeded, where nothing of it has to be waited for. Whether the message has come to its
    /// end with that; otherwise the rest is for [`Shared::finish`].
    #[inline]
    pub(super) fn finish_now(&self, attempted: &mut Attempted, message: &Message, room: &mut Room) -> bool {
        if !matches!(attempted, Attempted::Ended(End::Acked)) || room.scope.has_ends() {
            return false;
        }
        if !matches!(room.responses, Responses::None) {
            if room.layers.is_some() {
                return false;
            }
            *attempted = self.respond(message, room);
        }
        matches!(attempted, Attempted::Ended(End::Acked))
    }

    /// What follows the handler: its scope is completed, its results are published.
    pub(super) async fn finish(&self, attempted: Attempted, message: &Message, room: &mut Room) -> Attempted {
        let layers = room.layers.take();
        let mut attempted = attempted;
        if room.scope.has_ends() {
            let Room { scope, signals: Signals { watch, .. }, .. } = &mut *room;
            attempted = watch.run(pin!(self.complete(attempted, message, scope))).await;
        }
        if matches!(attempted, Attempted::Ended(End::Acked)) && !matches!(room.responses, Responses::None) {
            attempted = match layers {
                None => self.respond(message, room),
                Some(layers) => {
                    let responses = std::mem::take(&mut room.responses);
                    self.respond_through(&layers, message, responses, &room.signals.watch).await
                }
            };
        }
        room.responses = Responses::None;
        // The services of an attempt that succeeded stay until its message is settled.
        if !matches!(attempted, Attempted::Ended(_)) {
            room.leave(&self.name);
        }
        attempted
    }

    /// Ends the scope, whatever ended the handler. Its error is the handler's error.
    async fn complete(&self, attempted: Attempted, message: &Message, scope: &Scope) -> Attempted {
        let text;
        let completion = match &attempted {
            Attempted::Ended(End::Released) | Attempted::Cut => Completion::Cancelled,
            Attempted::Ended(_) => Completion::Success,
            Attempted::Failed(Failure { kind: FailureKind::Panic, error }) => {
                text = error.to_string();
                Completion::Panicked(&text)
            }
            Attempted::Failed(Failure { kind: FailureKind::Deadline, .. }) => Completion::DeadlineExceeded,
            Attempted::Failed(Failure { error, .. }) => Completion::Failed(error),
        };
        // Not cut by a stop: a commit that is under way is worth the while that a forced end leaves it.
        let deadline = self.work.part(message).spec.deadline;
        let late = |_| Err(Error::new(format!("the scope was not completed after {deadline:?}")));
        let completed = timeout(deadline, scope.complete(completion)).await.unwrap_or_else(late);
        match (attempted, completed) {
            (Attempted::Ended(End::Acked | End::Dropped), Err(error)) => Attempted::Failed(Failure::returned(error)),
            (attempted, Err(error)) => {
                tracing::warn!(subscriber = self.name, error = format!("{error:#}"), "a scope was not completed");
                attempted
            }
            (attempted, Ok(())) => attempted,
        }
    }

    #[cold]
    pub(super) fn panicked(&self, panic: &(dyn Any + Send)) -> Attempted {
        count(&self.counters.panics);
        Attempted::Failed(Failure { kind: FailureKind::Panic, error: Error::new(panic_text(panic)) })
    }

    #[cold]
    fn late(&self, message: &Message) -> Attempted {
        count(&self.counters.timeouts);
        let error = Error::new(format!("not done after {:?}", self.work.part(message).spec.deadline));
        Attempted::Failed(Failure { kind: FailureKind::Deadline, error })
    }
}

/// The one place where the five outcomes become ends and failures.
#[inline]
pub(super) fn judge(reply: Reply, responses: &mut Responses, subscriber: &str) -> Result<End, Failure> {
    if reply.is_empty() {
        // Nothing is in it, and dropping it all the same would be a call.
        std::mem::forget(reply);
        return Ok(End::Acked);
    }
    judge_full(reply, responses, subscriber)
}

fn judge_full(reply: Reply, responses: &mut Responses, subscriber: &str) -> Result<End, Failure> {
    match reply.outcome {
        Outcome::Ack => {
            *responses = reply.responses;
            Ok(End::Acked)
        }
        outcome => judge_other(outcome, subscriber),
    }
}

#[cold]
pub(super) fn judge_other(outcome: Outcome, subscriber: &str) -> Result<End, Failure> {
    match outcome {
        Outcome::Ack => Ok(End::Acked),
        Outcome::Release => Ok(End::Released),
        Outcome::Drop { reason } => {
            tracing::debug!(subscriber, reason = &*reason, "a message was dropped on purpose");
            Ok(End::Dropped)
        }
        Outcome::Retry { after } => {
            let asked = "the handler asked to be called again";
            let error = after.map_or_else(|| Error::new(asked), |after| Error::retry_after(after, asked));
            Err(Failure::returned(error))
        }
        Outcome::Reject { reason } => Err(Failure::returned(Error::reject(reason.into_owned()))),
    }
}
