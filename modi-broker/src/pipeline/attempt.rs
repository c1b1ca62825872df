//! One attempt: decode, open the scope, call, complete the scope, publish the results.

use super::control::Stage;
use super::failure::Failure;
use super::run::Runner;
use crate::contract::{Answer, Outgoing, Place, Receipt};
use crate::dead_letter::FailureKind;
use crate::handler::{Response, Responses};
use crate::publisher::Cause;
use crate::{Attempt, BrokerError, BrokerErrorKind, Handler, IntoReply, Message, Outcome, PublishError, Reply};
use futures_util::future::BoxFuture;
use modi_core::scope::panic_text;
use modi_core::{Completion, Error, Module, Resolver, Scope};
use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::time::{Instant, timeout};

/// What an attempt came to.
pub(super) enum Attempted {
    Ended(End),
    Failed(Failure),
    /// The stop cut it off.
    Cut,
}

/// How a message ends for this subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Acked,
    Released,
    Dropped,
    DeadLettered,
}

/// What the handler came to, before its scope is completed.
enum Ran {
    Replied(End, Responses),
    Failed(Failure),
    Cut,
}

impl<M: Module, H: Handler<M>> Runner<M, H> {
    #[inline]
    pub(super) async fn attempt(&mut self, message: &Message, number: u32, lane: u32) -> Attempted {
        let mut ran = self.call(message, number, lane).await;
        if !self.plan.is_empty() {
            ran = self.complete(ran).await;
        }
        match ran {
            Ran::Replied(end, Responses::None) => Attempted::Ended(end),
            Ran::Replied(end, responses) => self.respond(message, end, responses).await,
            Ran::Failed(failure) => Attempted::Failed(failure),
            Ran::Cut => Attempted::Cut,
        }
    }

    #[inline]
    async fn call(&mut self, message: &Message, number: u32, lane: u32) -> Ran {
        let Self { live, scope, settling, timer, tally, plan, about, control, spec, name, .. } = self;
        let (live, about, plan, name) = (&*live, &*about, &*plan, *name);
        let decode = || {
            let resolver = Resolver::new(live, Scope::NONE, name);
            H::decode(&Attempt { resolver, message, number, lane, about })
        };
        let input = match catch_unwind(AssertUnwindSafe(decode)) {
            Ok(Ok(input)) => input,
            Ok(Err(error)) => return Ran::Failed(Failure { kind: FailureKind::Decode, error }),
            Err(panic) => {
                tally.local.panics += 1;
                return Ran::Failed(panicked(&*panic));
            }
        };
        let work = async move {
            if !plan.is_empty() {
                scope.open(plan).await?;
            }
            let resolver = Resolver::new(live, scope, name);
            let attempt = Attempt { resolver, message, number, lane, about };
            H::call(&attempt, input).await?.into_reply()
        };
        let mut work = pin!(Some(work));
        let mut deadline = None;
        let ran = poll_fn(|cx| {
            let Some(running) = work.as_mut().as_pin_mut() else { return Poll::Ready(Ran::Cut) };
            match catch_unwind(AssertUnwindSafe(|| running.poll(cx))) {
                Ok(Poll::Ready(Ok(reply))) => return Poll::Ready(judge(reply, name)),
                Ok(Poll::Ready(Err(error))) => return Poll::Ready(Ran::Failed(Failure::returned(error))),
                Ok(Poll::Pending) => {}
                Err(panic) => {
                    tally.local.panics += 1;
                    return Poll::Ready(Ran::Failed(panicked(&*panic)));
                }
            }
            if control.poll_reached(Stage::Cut, cx) {
                return Poll::Ready(Ran::Cut);
            }
            // The first wait reads the clock; nothing else ever does.
            let at = *deadline.get_or_insert_with(|| Instant::now() + spec.deadline);
            if timer.reached(at, cx) {
                tally.local.timeouts += 1;
                let error = Error::new(format!("not done after {:?}", spec.deadline));
                return Poll::Ready(Ran::Failed(Failure { kind: FailureKind::Deadline, error }));
            }
            settling.idle(cx, tally);
            Poll::Pending
        })
        .await;
        // What was cut off is dropped here, before its scope is completed.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work.set(None))) {
            tracing::warn!(handler = name, panic = panic_text(&*panic), "a handler panicked while it was dropped");
        }
        ran
    }

    /// Ends the scope, whatever ended the handler. Its error is the handler's error.
    async fn complete(&mut self, ran: Ran) -> Ran {
        let completion = match &ran {
            Ran::Replied(End::Released, _) | Ran::Cut => Completion::Cancelled,
            Ran::Replied(..) => Completion::Success,
            Ran::Failed(Failure { kind: FailureKind::Deadline, .. }) => Completion::DeadlineExceeded,
            Ran::Failed(Failure { kind: FailureKind::Panic, error }) => {
                let text = error.to_string();
                let completed = self.scope_completed(Completion::Panicked(&text)).await;
                return self.after(ran, completed);
            }
            Ran::Failed(Failure { error, .. }) => Completion::Failed(error),
        };
        let completed = self.scope_completed(completion).await;
        self.after(ran, completed)
    }

    async fn scope_completed(&mut self, completion: Completion<'_>) -> Result<(), Error> {
        let Self { scope, settling, tally, spec, .. } = self;
        // Not cut by a stop: a commit that is under way is worth the while that a forced end leaves it.
        let completing = timeout(spec.deadline, scope.complete(completion));
        match settling.beside(tally, None, completing).await {
            Some(Ok(completed)) => completed,
            Some(Err(_)) | None => Err(Error::new(format!("the scope was not completed after {:?}", spec.deadline))),
        }
    }

    fn after(&mut self, ran: Ran, completed: Result<(), Error>) -> Ran {
        match (ran, completed) {
            (Ran::Replied(End::Acked | End::Dropped, _), Err(error)) => {
                self.leave_scope();
                Ran::Failed(Failure::returned(error))
            }
            (ran, completed) => {
                if let Err(error) = completed {
                    tracing::warn!(handler = self.name, error = format!("{error:#}"), "a scope was not completed");
                }
                if !matches!(ran, Ran::Replied(..)) {
                    self.leave_scope();
                }
                ran
            }
        }
    }

    /// Drops the scoped services, whose destructors may panic.
    pub(super) fn leave_scope(&mut self) {
        let scope = &mut self.scope;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| scope.clear())) {
            tracing::warn!(handler = self.name, panic = panic_text(&*panic), "a scoped service panicked in its drop");
        }
    }

    /// Publishes the results, and waits until all are confirmed.
    async fn respond(&mut self, message: &Message, end: End, responses: Responses) -> Attempted {
        let cause = Cause::of(message);
        let mut pending = Vec::new();
        let mut send = |response: Response| {
            let Some(topic) = response.topic.or_else(|| self.about.publish.clone()) else {
                // The compiler has refused this.
                return Err(Error::reject("the handler returned a message and does not say where to publish it"));
            };
            let mut result = response.message;
            cause.mark(&mut result);
            if response.inherits_key && result.key().is_none() {
                result.set_key(message.key().cloned());
            }
            match self.publish.send(Outgoing { place: Place::Topic(topic.clone()), message: result.clone() }) {
                Answer::Now(Ok(_)) => self.tally.local.published += 1,
                answer => pending.push(Unconfirmed { topic, message: result, answer: later(answer) }),
            }
            Ok(())
        };
        let sent = match responses {
            Responses::None => Ok(()),
            Responses::One(response) => send(response),
            Responses::Many(responses) => responses.into_iter().try_for_each(send),
        };
        if let Err(error) = sent {
            return Attempted::Failed(Failure::returned(error));
        }
        for unconfirmed in pending {
            match self.confirm(unconfirmed).await {
                Some(Ok(_)) => self.tally.local.published += 1,
                Some(Err(error)) => {
                    self.leave_scope();
                    return Attempted::Failed(Failure::returned(error.into()));
                }
                None => return Attempted::Cut,
            }
        }
        Attempted::Ended(end)
    }

    /// Waits for a confirmation; one that fails sends the same bytes once more.
    async fn confirm(&mut self, unconfirmed: Unconfirmed) -> Option<Result<Receipt, PublishError>> {
        let Unconfirmed { topic, message, answer } = unconfirmed;
        let Self { settling, tally, control, publish, .. } = self;
        let mut confirmed = settling.beside(tally, Some((control, Stage::Cut)), answer).await?;
        if confirmed.as_ref().is_err_and(|error| error.kind() == BrokerErrorKind::Unavailable) {
            let again = publish.send(Outgoing { place: Place::Topic(topic.clone()), message });
            confirmed = settling.beside(tally, Some((control, Stage::Cut)), again.wait()).await?;
        }
        Some(confirmed.map_err(|source| PublishError::Broker { topic: topic.to_string(), source }))
    }
}

/// A result whose confirmation is outstanding.
struct Unconfirmed {
    topic: Arc<str>,
    message: Message,
    answer: BoxFuture<'static, Result<Receipt, BrokerError>>,
}

fn later<T: Send + 'static>(answer: Answer<T>) -> BoxFuture<'static, T> {
    match answer {
        Answer::Now(answer) => Box::pin(std::future::ready(answer)),
        Answer::Later(answer) => answer,
    }
}

/// The one place where the five outcomes become ends and failures.
#[inline]
fn judge(reply: Reply, name: &'static str) -> Ran {
    match reply.outcome {
        Outcome::Ack => Ran::Replied(End::Acked, reply.responses),
        outcome => judge_other(outcome, name),
    }
}

#[cold]
fn judge_other(outcome: Outcome, name: &'static str) -> Ran {
    match outcome {
        Outcome::Ack => Ran::Replied(End::Acked, Responses::None),
        Outcome::Release => Ran::Replied(End::Released, Responses::None),
        Outcome::Drop { reason } => {
            tracing::debug!(handler = name, reason = &*reason, "a message was dropped on purpose");
            Ran::Replied(End::Dropped, Responses::None)
        }
        Outcome::Retry { after } => {
            let asked = "the handler asked to be called again";
            let error = after.map_or_else(|| Error::new(asked), |after| Error::retry_after(after, asked));
            Ran::Failed(Failure::returned(error))
        }
        Outcome::Reject { reason } => Ran::Failed(Failure::returned(Error::reject(reason.into_owned()))),
    }
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Failure {
    Failure { kind: FailureKind::Panic, error: Error::new(panic_text(panic)) }
}
