//! One message from its first attempt to its end, as a future that knows nothing of the loop that polls it.

use super::attempt::{Attempted, End};
use super::breaker::Breaker;
use super::clock::Clock;
use super::confirming::Unconfirmed;
use super::control::{Control, Stage};
use super::counters::Counters;
use super::exit::Exit;
use super::failure::{Failure, Story, Suspicion};
use super::work::Work;
use crate::Message;
use crate::contract::{Delivery, Lease, Origin, Publish, Settle};
use crate::handler::{Responses, Signals};
use crate::middleware::Layers;
use futures_util::future::BoxFuture;
use modi_core::Scope;
use modi_core::scope::panic_text;
use std::borrow::{Borrow, BorrowMut};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

/// What the jobs of a subscriber share. They only read it; what they wait for beside their own futures (a moment, the
/// stop, an answer to an early settlement) the loop watches, and then polls them all.
pub(super) struct Shared<W> {
    pub(super) work: W,
    /// The subscriber, as `Module::handler`.
    pub(super) name: String,
    pub(super) publish: Arc<dyn Publish>,
    pub(super) control: Arc<Control>,
    pub(super) counters: Arc<Counters>,
    pub(super) clock: Clock,
    pub(super) breaker: Breaker,
    /// How many settlements were answered.
    pub(super) answered: Arc<AtomicU64>,
    /// The broker keeps copies that come later.
    pub(super) puts_off: bool,
    /// One message can be given back, without all that came after it.
    pub(super) releases_one: bool,
    /// Knows where messages are.
    pub(super) settle: Arc<dyn Settle>,
}

/// A message that was received and has not ended.
pub(super) struct InHand {
    pub(super) message: Message,
    /// Which handing out it is.
    pub(super) number: u32,
    pub(super) origin: Origin,
    /// `None` once it was settled.
    pub(super) lease: Option<Lease>,
    /// Where it stands among all that were received.
    pub(super) arrival: u64,
    /// What its order is kept by.
    pub(super) key: Option<u64>,
}

impl InHand {
    /// As it was handed out, unless it was settled.
    pub(super) fn give_back(self) -> Option<Delivery> {
        let Self { message, number, lease, .. } = self;
        lease.map(|lease| Delivery { message, attempt: number, lease })
    }
}

/// A message for a job. It is borrowed or owned, and so is the room: a slot's future has to own them.
pub(super) struct Task<B, R> {
    pub(super) message: B,
    pub(super) number: u32,
    pub(super) origin: Origin,
    /// It was settled when it was received: the handler begins when so many were answered.
    pub(super) begins_at: Option<u64>,
    pub(super) room: R,
}

/// Where a job begins.
pub(super) enum Begin {
    /// With the first attempt.
    First,
    /// With the second attempt: the first was one at its whole batch.
    Second,
    /// With what an attempt came to that was made already.
    With(Attempted),
    /// With its copy or its dead letter: its retries are used up, and nobody else is to blame.
    Guilty(Box<Suspicion>),
}

impl Begin {
    /// With the first attempt, unless there were too many that nobody knows of.
    #[inline]
    pub(super) fn first(message: &Message, number: u32) -> Self {
        match Failure::crash(message, number) {
            None => Self::First,
            Some(failure) => Self::With(Attempted::Failed(failure)),
        }
    }
}

/// What one attempt after the other uses, from message to message.
#[derive(Default)]
pub(super) struct Room {
    /// Cleared after the message is settled.
    pub(super) scope: Scope,
    /// What the attempt in hand is going to publish.
    pub(super) responses: Responses,
    /// What reaches the attempt in hand from outside.
    pub(super) signals: Signals,
    /// What it published and is not confirmed, in order.
    pub(super) unconfirmed: VecDeque<Unconfirmed>,
    /// The attempts that failed before the one whose publications are not confirmed.
    pub(super) story: Option<Story>,
    /// What became of a message that is not tried again in place.
    pub(super) suspicion: Option<Box<Suspicion>>,
    /// What stands around the handler, and so around what it publishes.
    pub(super) layers: Option<Arc<Layers>>,
}

impl Room {
    /// Drops the scoped services, whose destructors may panic.
    pub(super) fn leave(&mut self, subscriber: &str) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| {
            self.layers = None;
            self.scope.clear();
        })) {
            tracing::warn!(subscriber, panic = panic_text(&*panic), "a scoped service panicked in its drop");
        }
    }
}

/// How a job ended. An error ends the run, and its message stays with the broker.
pub(super) struct Ended<B, R> {
    pub(super) end: Result<End, Exit>,
    pub(super) message: B,
    pub(super) room: R,
}

/// How long a message rests that was given back where the broker takes none back.
pub(super) const KEPT: Duration = Duration::from_secs(1);

impl<W: Work> Shared<W> {
    /// One message from where it begins to its end.
    #[inline]
    pub(super) async fn handle<B: Borrow<Message>, R: BorrowMut<Room>>(
        &self,
        task: Task<B, R>,
        begin: Begin,
    ) -> Ended<B, R> {
        let Task { message, number, origin, begins_at, mut room } = task;
        if W::EARLY && !self.is_settled(begins_at).await {
            return Ended { end: Ok(End::Released), message, room };
        }
        let (of, at) = (message.borrow(), room.borrow_mut());
        let attempted = match begin {
            Begin::First => self.attempt(of, number, origin.lane, at).await,
            Begin::Second => self.attempt(of, number.saturating_add(1), origin.lane, at).await,
            Begin::With(attempted) => self.finish(attempted, of, at).await,
            Begin::Guilty(suspicion) => {
                let end = self.condemn(of, origin, *suspicion).await;
                return Ended { end, message, room };
            }
        };
        let attempted = match attempted {
            Attempted::Ended(End::Released) if !self.releases_one => self.keep(of, number, origin, at).await,
            attempted => attempted,
        };
        let end = match attempted {
            Attempted::Ended(end) => Ok(end),
            Attempted::Failed(failure) => self.failed(of, number, origin, at, failure).await,
            Attempted::Cut => Ok(End::Released),
        };
        room.borrow_mut().signals.watch.close();
        Ended { end, message, room }
    }

    /// Handles a message again that was given back where the broker takes none back: until it ends in another way, or with
    /// its lane.
    #[cold]
    fn keep<'a>(&'a self, of: &'a Message, number: u32, origin: Origin, at: &'a mut Room) -> BoxFuture<'a, Attempted> {
        Box::pin(async move {
            loop {
                at.leave(&self.name);
                match self.pause(KEPT, false).await {
                    Paused::Done | Paused::Outage => {}
                    Paused::Stopped => return Attempted::Ended(End::Released),
                }
                at.signals.renew();
                match self.attempt(of, number, origin.lane, at).await {
                    Attempted::Ended(End::Released) => {}
                    attempted => return attempted,
                }
            }
        })
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

    /// Waits that long. A drain ends the wait, and so does the opening of the breaker where that matters.
    pub(super) async fn pause(&self, wait: Duration, heeds_outage: bool) -> Paused {
        let moment = self.clock.after(wait);
        poll_fn(|_| {
            if self.control.has_reached(Stage::Draining) {
                Poll::Ready(Paused::Stopped)
            } else if heeds_outage && self.breaker.is_open() {
                Poll::Ready(Paused::Outage)
            } else if self.clock.has_come(moment) {
                Poll::Ready(Paused::Done)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// A message was handled after others had failed. Whether the breaker was open.
    #[cold]
    pub(super) fn recovered(&self) -> bool {
        let was_open = self.breaker.succeeded();
        if was_open {
            self.counters.degraded.store(false, Ordering::Relaxed);
            tracing::info!(subscriber = self.name, "a message was handled again: the intake goes on");
        }
        was_open
    }
}

/// What ended a wait.
pub(super) enum Paused {
    Done,
    Stopped,
    Outage,
}
