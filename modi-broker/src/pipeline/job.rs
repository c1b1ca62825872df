//! One message from its first attempt to its end, as a future that knows nothing of the loop that polls it.

use super::attempt::{Attempted, End};
use super::clock::Clock;
use super::control::{Control, Stage};
use super::counters::Counters;
use crate::contract::Publish;
use crate::handler::{About, Ack, Responses};
use crate::{BrokerError, Handler, Message};
use modi_core::graph::AnyArc;
use modi_core::{Module, Scope, ScopePlan};
use std::borrow::{Borrow, BorrowMut};
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

/// What the jobs of a subscriber share. They only read it; what they wait for beside their own futures (a moment, the
/// stop, an answer to an early settlement) the loop watches, and then polls them all.
pub(super) struct Shared<M: Module, H: Handler<M>> {
    pub(super) live: AnyArc,
    pub(super) plan: ScopePlan,
    pub(super) about: Arc<About>,
    pub(super) name: &'static str,
    pub(super) publish: Arc<dyn Publish>,
    pub(super) control: Arc<Control>,
    pub(super) counters: Arc<Counters>,
    pub(super) clock: Clock,
    /// How many settlements were answered.
    pub(super) answered: Arc<AtomicU64>,
    pub(super) of: PhantomData<fn() -> (M, H)>,
}

/// A message, and which handing out it is.
pub(super) struct Task<B, R> {
    pub(super) message: B,
    pub(super) number: u32,
    pub(super) lane: u32,
    /// It was settled when it was received: the handler begins when so many were answered.
    pub(super) begins_at: Option<u64>,
    pub(super) room: R,
}

/// What one attempt after the other uses, from message to message.
#[derive(Default)]
pub(super) struct Room {
    /// Cleared after the message is settled.
    pub(super) scope: Scope,
    /// What the attempt in hand is going to publish.
    pub(super) responses: Responses,
}

/// How a job ended. An error is one of the broker, and permanent: the message stays with it.
pub(super) struct Ended<R> {
    pub(super) end: Result<End, BrokerError>,
    pub(super) room: R,
}

impl<M: Module, H: Handler<M>> Shared<M, H> {
    /// The message is borrowed or owned, and so is the room: a slot's future has to own them.
    #[inline]
    pub(super) async fn handle<B: Borrow<Message>, R: BorrowMut<Room>>(&self, task: Task<B, R>) -> Ended<R> {
        let Task { message, number, lane, begins_at, mut room } = task;
        if H::SPEC.ack == Ack::Received && !self.is_settled(begins_at).await {
            return Ended { end: Ok(End::Released), room };
        }
        let end = match self.attempt(message.borrow(), number, lane, room.borrow_mut()).await {
            Attempted::Ended(end) => Ok(end),
            Attempted::Failed(failure) => self.failed(message.borrow(), number, lane, room.borrow_mut(), failure).await,
            Attempted::Cut => Ok(End::Released),
        };
        Ended { end, room }
    }

    async fn is_settled(&self, ticket: Option<u64>) -> bool {
        let settled = poll_fn(|_| match self.answered.load(Ordering::Relaxed) >= ticket.unwrap_or(0) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        });
        self.unless(Stage::Cut, settled).await.is_some()
    }

    /// Waits for `future`; `None` once the stop has come to `stage`.
    pub(super) async fn unless<F: Future>(&self, stage: Stage, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.control.has_reached(stage) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Waits that long. Whether it did: a drain ends the wait.
    pub(super) async fn pause(&self, wait: Duration) -> bool {
        let moment = self.clock.after(wait);
        let come = poll_fn(|_| if self.clock.has_come(moment) { Poll::Ready(()) } else { Poll::Pending });
        self.unless(Stage::Draining, come).await.is_some()
    }
}
