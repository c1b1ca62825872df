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

impl<M: Module, H: Handler<M>> Runner<M, H> {
    #[inline]
    pub(super) async fn attempt(&mut self, message: &Message, number: u32, lane: u32) -> Attempted {
        let mut attempted = self.call(message, number, lane).await;
        if !self.plan.is_empty() {
            attempted = self.complete(attempted).await;
        }
        match attempted {
            Attempted::Ended(End::Acked) if !matches!(self.responses, Responses::None) => self.respond(message).await,
            attempted => attempted,
        }
    }

    /// What is returned stays small: results that are to be published wait in a place of their own.
    #[inline]
    async fn call(&mut self, message: &Message, number: u32, lane: u32) -> Attempted {
        let Self { live, scope, settling, timer, tally, plan, about, control, spec, name, responses, .. } = self;
        let (live, about, plan, name) = (&*live, &*about, &*plan, *name);
        let attempt = Attempt { resolver: Resolver::new(live, Scope::NONE, name), message, number, lane, about };
        let input = match catch_unwind(AssertUnwindSafe(|| H::decode(&attempt))) {
            Ok(Ok(input)) => input,
            Ok(Err(error)) => return Attempted::Failed(Failure { kind: FailureKind::Decode, error }),
            Err(panic) => {
                tally.local.panics += 1;
                return Attempted::Failed(panicked(&*panic));
            }
        };
        let mut work = pin!(Some(async move {
            let mut attempt = attempt;
            if !plan.is_empty() {
                scope.open(plan).await.map_err(Failure::returned)?;
                attempt.resolver = Resolver::new(live, scope, name);
            }
            let reply = H::call(&attempt, input).await.and_then(H::Reply::into_reply).map_err(Failure::returned)?;
            judge(reply, responses, name)
        }));
        let mut deadline = None;
        poll_fn(|cx| {
            let Some(running) = work.as_mut().as_pin_mut() else { return Poll::Ready(Attempted::Cut) };
            match catch_unwind(AssertUnwindSafe(|| running.poll(cx))) {
                Ok(Poll::Ready(Ok(end))) => return Poll::Ready(Attempted::Ended(end)),
                Ok(Poll::Ready(Err(failure))) => return Poll::Ready(Attempted::Failed(failure)),
                Ok(Poll::Pending) => {}
                Err(panic) => {
                    tally.local.panics += 1;
                    return Poll::Ready(Attempted::Failed(panicked(&*panic)));
                }
            }
            let cut_off = if control.poll_reached(Stage::Cut, cx) {
                Attempted::Cut
            // The first wait reads the clock; nothing else ever does.
            } else if timer.reached(*deadline.get_or_insert_with(|| Instant::now() + spec.deadline), cx) {
                tally.local.timeouts += 1;
                let error = Error::new(format!("not done after {:?}", spec.deadline));
                Attempted::Failed(Failure { kind: FailureKind::Deadline, error })
            } else {
                settling.idle(cx, tally);
                return Poll::Pending;
            };
            // Dropped before its scope is completed.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work.set(None))) {
                tracing::warn!(handler = name, panic = panic_text(&*panic), "a handler panicked while it was dropped");
            }
            Poll::Ready(cut_off)
        })
        .await
    }

    /// Ends the scope, whatever ended the handler. Its error is the handler's error.
    async fn complete(&mut self, attempted: Attempted) -> Attempted {
        let panic_text = match &attempted {
            Attempted::Failed(Failure { kind: FailureKind::Panic, error }) => error.to_string(),
            _ => String::new(),
        };
        let completion = match &attempted {
            Attempted::Ended(End::Released) | Attempted::Cut => Completion::Cancelled,
            Attempted::Ended(_) => Completion::Success,
            Attempted::Failed(Failure { kind: FailureKind::Deadline, .. }) => Completion::DeadlineExceeded,
            Attempted::Failed(Failure { kind: FailureKind::Panic, .. }) => Completion::Panicked(&panic_text),
            Attempted::Failed(Failure { error, .. }) => Completion::Failed(error),
        };
        let Self { scope, settling, tally, spec, .. } = self;
        // Not cut by a stop: a commit that is under way is worth the while that a forced end leaves it.
        let completing = timeout(spec.deadline, scope.complete(completion));
        let completed = match settling.beside(tally, None, completing).await {
            Some(Ok(completed)) => completed,
            _ => Err(Error::new(format!("the scope was not completed after {:?}", spec.deadline))),
        };
        let attempted = match (attempted, completed) {
            (Attempted::Ended(End::Acked | End::Dropped), Err(error)) => {
                self.responses = Responses::None;
                Attempted::Failed(Failure::returned(error))
            }
            (attempted, Err(error)) => {
                tracing::warn!(handler = self.name, error = format!("{error:#}"), "a scope was not completed");
                attempted
            }
            (attempted, Ok(())) => attempted,
        };
        // The services of an attempt that succeeded stay until its message is settled.
        if !matches!(attempted, Attempted::Ended(_)) {
            self.leave_scope();
        }
        attempted
    }

    /// Drops the scoped services, whose destructors may panic.
    pub(super) fn leave_scope(&mut self) {
        let scope = &mut self.scope;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| scope.clear())) {
            tracing::warn!(handler = self.name, panic = panic_text(&*panic), "a scoped service panicked in its drop");
        }
    }

    /// Publishes the results, and waits until all are confirmed.
    async fn respond(&mut self, message: &Message) -> Attempted {
        let responses = std::mem::replace(&mut self.responses, Responses::None);
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
        Attempted::Ended(End::Acked)
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
fn judge(reply: Reply, responses: &mut Responses, name: &'static str) -> Result<End, Failure> {
    match reply.outcome {
        Outcome::Ack => {
            if !matches!(reply.responses, Responses::None) {
                *responses = reply.responses;
            }
            Ok(End::Acked)
        }
        outcome => judge_other(outcome, name),
    }
}

#[cold]
fn judge_other(outcome: Outcome, name: &'static str) -> Result<End, Failure> {
    match outcome {
        Outcome::Ack => Ok(End::Acked),
        Outcome::Release => Ok(End::Released),
        Outcome::Drop { reason } => {
            tracing::debug!(handler = name, reason = &*reason, "a message was dropped on purpose");
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

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Failure {
    Failure { kind: FailureKind::Panic, error: Error::new(panic_text(panic)) }
}
