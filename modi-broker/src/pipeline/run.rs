//! The loop of one subscriber: one message at a time, in order, settling beside everything.

use super::attempt::{Attempted, End};
use super::backoff::OUTAGE;
use super::control::{Control, Stage};
use super::counters::{Counters, Tally};
use super::settling::Settling;
use super::timer::Timer;
use crate::contract::{Delivery, Lanes, Lease, Publish, Settlement, Source, Subscription, Verdict};
use crate::handler::{About, Ack, Responses};
use crate::{BrokerError, Handler, Spec};
use modi_core::graph::AnyArc;
use modi_core::{Module, Scope, ScopePlan};
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::Poll;
use tokio::time::sleep;

/// What a subscriber works with.
pub(crate) struct Work {
    pub(crate) subscription: Subscription,
    pub(crate) publish: Arc<dyn Publish>,
    pub(crate) plan: ScopePlan,
    pub(crate) about: Arc<About>,
    pub(crate) name: &'static str,
    pub(crate) control: Arc<Control>,
    pub(crate) counters: Arc<Counters>,
}

/// The state of the loop.
pub(super) struct Runner<M: Module, H: Handler<M>> {
    pub(super) live: AnyArc,
    pub(super) plan: ScopePlan,
    pub(super) scope: Scope,
    /// What the attempt in hand is going to publish.
    pub(super) responses: Responses,
    pub(super) about: Arc<About>,
    pub(super) name: &'static str,
    pub(super) spec: Spec,
    pub(super) publish: Arc<dyn Publish>,
    pub(super) settling: Settling,
    pub(super) timer: Timer,
    pub(super) control: Arc<Control>,
    pub(super) tally: Tally,
    of: PhantomData<fn() -> (M, H)>,
}

/// Handles messages until it is told to stop. Whoever drops the future gives the messages in hand back to the broker.
pub(crate) async fn run<M: Module, H: Handler<M>>(live: AnyArc, work: Work) -> Result<(), BrokerError> {
    let Work { subscription, publish, plan, about, name, control, counters } = work;
    let Subscription { capabilities, mut source, settle, lanes } = subscription;
    let mut runner = Runner::<M, H> {
        live,
        plan,
        scope: Scope::new(),
        responses: Responses::None,
        about,
        name,
        spec: H::SPEC,
        publish,
        settling: Settling::new(settle, &capabilities),
        timer: Timer::new(),
        control,
        tally: Tally::new(counters),
        of: PhantomData,
    };
    let ended = runner.work(&mut *source, &lanes).await;
    let stopped = source.stop().await;
    runner.settling.finish(&mut runner.tally).await;
    ended.and(stopped)
}

impl<M: Module, H: Handler<M>> Runner<M, H> {
    async fn work(&mut self, source: &mut dyn Source, lanes: &Lanes) -> Result<(), BrokerError> {
        let limit = self.spec.limit;
        let mut batch = Vec::with_capacity(limit);
        let mut failures = 0;
        // Messages since this task last waited.
        let mut unbroken = 0;
        while !self.control.has_reached(Stage::Draining) {
            match self.receive(source, &mut batch, &mut unbroken).await {
                Ok(()) => failures = 0,
                Err(error) if error.is_permanent() => return Err(error),
                Err(error) => {
                    failures += 1;
                    tracing::warn!(subscriber = &*self.about.name, error = format!("{error}"), "could not receive");
                    let Self { settling, tally, control, .. } = self;
                    let wait = sleep(OUTAGE.wait(failures));
                    let _stopping = settling.beside(tally, Some((control, Stage::Draining)), wait).await;
                }
            }
            self.tally.local.received += batch.len() as u64;
            unbroken += batch.len();
            let mut fatal = None;
            for delivery in batch.drain(..) {
                let stopping = fatal.is_some() || self.control.has_reached(Stage::Draining);
                if stopping || lanes.is_gone(delivery.lease.lane) {
                    self.end(Some(delivery.lease), End::Released);
                } else if let Err(error) = self.handle(delivery).await {
                    fatal = Some(error);
                }
            }
            self.tally.flush();
            if let Some(error) = fatal {
                return Err(error);
            }
            // A handler that never waits must not keep the thread; where the task waits anyway, yielding only costs.
            if unbroken >= limit {
                unbroken = 0;
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// Waits for a batch, or for the stop. Settling goes on beside it.
    async fn receive(
        &mut self,
        source: &mut dyn Source,
        batch: &mut Vec<Delivery>,
        unbroken: &mut usize,
    ) -> Result<(), BrokerError> {
        let Self { settling, tally, control, spec, .. } = self;
        let credit = spec.limit.saturating_sub(settling.outstanding());
        let mut next = (credit > 0).then(|| source.next(credit, batch));
        poll_fn(|cx| {
            settling.poll(cx, tally);
            if let Some(next) = &mut next
                && let Poll::Ready(received) = next.as_mut().poll(cx)
            {
                return Poll::Ready(received);
            }
            if control.poll_reached(Stage::Draining, cx) {
                return Poll::Ready(Ok(()));
            }
            if next.is_some() {
                settling.idle(cx, tally);
            } else {
                // Without credit the settlements are what everybody waits for.
                settling.start(cx, tally);
                if settling.outstanding() < spec.limit {
                    return Poll::Ready(Ok(()));
                }
            }
            *unbroken = 0;
            Poll::Pending
        })
        .await
    }

    #[inline]
    async fn handle(&mut self, delivery: Delivery) -> Result<(), BrokerError> {
        let Delivery { message, attempt: number, lease } = delivery;
        let lane = lease.lane;
        let mut lease = Some(lease);
        if self.spec.ack == Ack::Received {
            self.acknowledge(lease.take()).await;
        }
        let ended = match self.attempt(&message, number, lane).await {
            Attempted::Ended(end) => Ok(end),
            Attempted::Failed(failure) => self.failed(&message, number, lane, failure).await,
            Attempted::Cut => Ok(End::Released),
        };
        // In case of an error the message stays with the broker.
        if self.end(lease, *ended.as_ref().unwrap_or(&End::Released)) {
            self.settling.begin(&mut self.tally).await;
        }
        if !self.plan.is_empty() {
            self.leave_scope();
        }
        ended.map(drop)
    }

    /// Counts how the message ended. Whether so many settlements wait by now that settling should begin.
    #[inline]
    fn end(&mut self, lease: Option<Lease>, end: End) -> bool {
        let local = &mut self.tally.local;
        let verdict = match end {
            End::Released => Verdict::Release,
            _ => Verdict::Done,
        };
        match end {
            End::Acked => local.acked += 1,
            End::Dropped => local.dropped += 1,
            End::DeadLettered => local.dead_lettered += 1,
            End::Released if lease.is_none() => local.lost += 1,
            End::Released => local.released += 1,
        }
        lease.is_some_and(|lease| self.settling.push(Settlement { lease, verdict }))
    }

    /// Settles before the handler runs, and waits for the answer.
    async fn acknowledge(&mut self, lease: Option<Lease>) {
        let Self { settling, tally, .. } = self;
        if let Some(lease) = lease {
            settling.push(Settlement { lease, verdict: Verdict::Done });
            settling.finish(tally).await;
        }
    }
}
