//! The loop's side of a subscriber: what every loop has to do beside its jobs.

mod late;

pub(super) use late::Late;

use super::attempt::End;
use super::backoff::OUTAGE;
use super::breaker::Breaker;
use super::by_hand::ByHand;
use super::clock::{Clock, Timer};
use super::confirming::Confirming;
use super::control::{Control, Stage};
use super::counters::Tally;
use super::job::{Room, Shared};
use super::pace::Pace;
use super::settling::Settling;
use super::work::Work;
use crate::BrokerError;
use crate::contract::{Delivery, Lanes, Lease, Settlement, Source, Verdict};
use crate::redelivery::unpack;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

/// A message that was handed out more often may end the process. Those behind it would be handed out as often, and be taken
/// for the same, so then, and at the beginning of a run, one message at a time is asked for.
const CAREFUL: u32 = 5;

/// The loop's side of a subscriber: settling, the clock, the stop, the intake's back-off, the counters.
pub(super) struct Desk<'a> {
    pub(super) settling: Settling,
    pub(super) confirming: Confirming,
    /// Publications failed for good: their handlers are called again.
    pub(super) late: VecDeque<Late>,
    /// Handlers hold the leases of these.
    pub(super) by_hand: ByHand,
    /// Left by messages that ended, for those that begin.
    #[expect(clippy::vec_box, reason = "they are moved many times, and are large")]
    pub(super) rooms: Vec<Box<Room>>,
    pace: Option<Pace>,
    /// A message that waited for confirmations was the first to succeed after others had failed.
    pub(super) has_recovered: bool,
    pub(super) tally: Tally,
    timer: Timer,
    clock: &'a Clock,
    control: &'a Control,
    breaker: &'a Breaker,
    lanes: &'a Lanes,
    name: &'a str,
    /// Messages are settled when they are received.
    early: bool,
    /// Handlers settle their messages themselves.
    is_by_hand: bool,
    /// What the jobs were last polled for.
    stage: u8,
    was_open: bool,
    answered: u64,
    /// Messages since this task last waited.
    unbroken: usize,
    /// The intake gave an error, and no message since.
    is_failing: bool,
    /// When the intake goes on.
    resumes: u64,
    is_careful: bool,
    /// What stopping the intake came to.
    pub(super) stopped: Option<Result<(), BrokerError>>,
    /// Given back when the intake is stopped.
    back: Vec<Lease>,
}

impl<'a> Desk<'a> {
    pub(super) fn new<W: Work>(shared: &'a Shared<W>, settling: Settling, lanes: &'a Lanes) -> Self {
        Self {
            tally: Tally::new(shared.counters.clone()),
            settling,
            confirming: Confirming::new(shared.publish.clone(), shared.counters.clone()),
            late: VecDeque::new(),
            by_hand: ByHand::new(!shared.releases_one),
            rooms: Vec::new(),
            pace: shared.work.spec().rate.map(Pace::new),
            has_recovered: false,
            timer: Timer::new(),
            clock: &shared.clock,
            control: &shared.control,
            breaker: &shared.breaker,
            lanes,
            name: &shared.name,
            early: W::EARLY,
            is_by_hand: W::BY_HAND,
            stage: 0,
            was_open: false,
            answered: 0,
            unbroken: 0,
            is_failing: false,
            resumes: 0,
            is_careful: true,
            stopped: None,
            back: Vec::new(),
        }
    }
}

impl Desk<'_> {
    /// Called when no job can go on. Whether all are to be polled again, because something has come that they may wait
    /// for; otherwise the task is woken when it does.
    pub(super) fn wait(&mut self, cx: &mut Context<'_>) -> bool {
        self.look_up(cx);
        self.settling.idle(cx, &mut self.tally);
        let stage = self.control.poll_stage(cx);
        let is_open = self.breaker.is_open();
        let is_new = stage != self.stage || is_open != self.was_open;
        (self.stage, self.was_open) = (stage, is_open);
        let answered = self.settling.answered().load(Ordering::Relaxed);
        let is_answered = self.early && answered != self.answered;
        self.answered = answered;
        let _asked_for = self.may_receive();
        is_new | is_answered | self.timer.poll(self.clock, cx)
    }

    /// Runs a job, and what goes on beside it.
    #[inline]
    pub(super) fn drive<F: Future>(&mut self, mut job: Pin<&mut F>) -> impl Future<Output = F::Output> {
        poll_fn(move |cx| {
            loop {
                if let Poll::Ready(output) = job.as_mut().poll(cx) {
                    return Poll::Ready(output);
                }
                if !self.wait(cx) {
                    self.rest();
                    return Poll::Pending;
                }
            }
        })
    }

    /// Messages begin at a limited rate.
    #[inline]
    pub(super) fn is_paced(&self) -> bool {
        self.pace.is_some()
    }

    /// Whether so many messages may begin: if they may, they do. Else they may at the moment.
    #[cold]
    pub(super) fn may_begin(&mut self, many: usize) -> Result<(), u64> {
        let Some(pace) = &mut self.pace else { return Ok(()) };
        let (now, next) = (self.clock.after(Duration::ZERO), pace.next());
        if now < next {
            return Err(next);
        }
        pace.begin(now, many);
        Ok(())
    }

    /// When so much time has passed.
    pub(super) fn after(&self, wait: Duration) -> u64 {
        self.clock.after(wait)
    }

    /// Whether the moment has come. To be asked before [`Desk::wait`], which then polls again when it has.
    pub(super) fn has_come(&self, moment: u64) -> bool {
        self.clock.has_come(moment)
    }

    /// The task is going to wait.
    pub(super) fn rest(&mut self) {
        self.unbroken = 0;
    }

    #[inline]
    pub(super) fn is_draining(&self) -> bool {
        self.control.is_draining()
    }

    /// It cannot go on: jobs that wait for another attempt need not.
    #[cold]
    pub(super) fn give_up(&self) {
        self.control.drain();
    }

    pub(super) fn is_gone(&self, lane: u32) -> bool {
        self.lanes.is_gone(lane)
    }

    /// Whether the intake may be asked: it may not during a pause, and for a while after an error.
    pub(super) fn may_receive(&self) -> bool {
        !self.control.is_paused() && self.clock.has_come(self.resumes)
    }

    /// Counts what came in, and backs off after an error that is not permanent.
    pub(super) fn received(
        &mut self,
        received: Result<(), BrokerError>,
        batch: &mut [Delivery],
    ) -> Result<(), BrokerError> {
        if !batch.is_empty() {
            self.is_careful = batch.iter().any(|delivery| delivery.attempt > CAREFUL);
        }
        batch.iter_mut().for_each(unpack);
        self.tally.local.received += batch.len() as u64;
        self.unbroken += batch.len();
        match received {
            Ok(()) if self.is_failing && !batch.is_empty() => {
                self.is_failing = false;
                self.control.intake_works();
            }
            Ok(()) => {}
            Err(error) if error.is_permanent() => return Err(error),
            Err(error) => self.back_off(&error),
        }
        Ok(())
    }

    #[cold]
    fn back_off(&mut self, error: &BrokerError) {
        self.is_failing = true;
        let wait = self.control.intake_failed(error, |failures| OUTAGE.wait(failures));
        self.resumes = self.clock.after(wait);
        tracing::warn!(subscriber = self.name, error = format!("{error}"), "could not receive");
    }

    /// A handler that never waits must not keep the thread; where the task waits anyway, yielding only costs.
    pub(super) async fn give_way(&mut self, limit: usize) {
        if self.unbroken >= limit {
            self.unbroken = 0;
            tokio::task::yield_now().await;
        }
    }

    /// Beside the messages in hand: what settling and confirmations came to meanwhile.
    pub(super) fn look_up(&mut self, cx: &mut Context<'_>) {
        self.settling.poll(cx, &mut self.tally);
        self.confirm(cx);
        if self.is_by_hand {
            self.listen(cx);
        }
    }

    pub(super) fn room(&mut self) -> Box<Room> {
        self.rooms.pop().unwrap_or_default()
    }

    /// A message has to be handled again, or is the first that was handled after others had failed.
    pub(super) fn has_news(&self) -> bool {
        !self.late.is_empty() || self.has_recovered
    }

    /// One message at a time: see [`CAREFUL`].
    #[inline]
    pub(super) fn is_careful(&self) -> bool {
        self.is_careful
    }

    /// What is not in the loop's hands any more, and not settled.
    pub(super) fn out(&self) -> usize {
        self.settling.outstanding() + self.confirming.len() + self.late.len() + self.by_hand.len() + self.back.len()
    }

    /// The payloads of these.
    pub(super) fn bytes(&self) -> usize {
        let late: usize = self.late.iter().map(|late| late.hand.message.size()).sum();
        self.confirming.bytes() + self.by_hand.bytes() + late
    }

    /// No confirmation is worth waiting for any more, or all have come in.
    pub(super) fn is_confirmed(&mut self) -> bool {
        if self.control.has_reached(Stage::Cut) {
            let late = self.late.drain(..).map(|late| late.hand);
            let leases = late.chain(self.confirming.give_up()).map(|hand| hand.lease);
            let leases: Vec<_> = leases.chain(self.by_hand.give_up().map(Some)).collect();
            for lease in leases {
                self.end(lease, End::Released);
            }
        }
        self.confirming.is_empty() && self.late.is_empty() && self.by_hand.len() == 0
    }

    /// Ends the intake, and then gives back what waits for that.
    pub(super) async fn stop_intake(&mut self, source: &mut dyn Source) {
        if self.stopped.is_none() {
            self.stopped = Some(source.stop().await);
            for lease in std::mem::take(&mut self.back) {
                self.settling.push(Settlement { lease, verdict: Verdict::Release });
            }
        }
    }

    /// The intake has to be stopped: see [`Desk::stop_intake`].
    pub(super) fn has_to_stop(&self) -> bool {
        self.stopped.is_none() && self.is_draining()
    }

    /// Counts how the message ended. Whether so many settlements wait by now that settling should begin.
    #[inline]
    pub(super) fn end(&mut self, lease: Option<Lease>, end: End) -> bool {
        let local = &mut self.tally.local;
        let verdict = match end {
            End::Released => Verdict::Release,
            _ => Verdict::Done,
        };
        match end {
            End::Acked => local.acked += 1,
            End::Dropped | End::Discarded => local.dropped += 1,
            End::DeadLettered => local.dead_lettered += 1,
            End::Redelivered => local.redelivered += 1,
            End::Released if lease.is_none() => local.lost += 1,
            End::Released => local.released += 1,
            End::Kept | End::Suspected | End::Unconfirmed | End::ByHand => return false,
        }
        // While the intake runs, some brokers would hand it out to this member again, and some cannot take it.
        if verdict == Verdict::Release && self.has_to_stop() {
            self.back.extend(lease);
            return false;
        }
        lease.is_some_and(|lease| self.settling.push(Settlement { lease, verdict }))
    }

    /// A message was handled, and needs nothing more.
    #[inline]
    pub(super) fn ack(&mut self, lease: Lease) -> bool {
        self.tally.local.acked += 1;
        self.settling.push(Settlement { lease, verdict: Verdict::Done })
    }

    /// Gives a message back that has not started.
    pub(super) fn release(&mut self, lease: Lease) {
        self.end(Some(lease), End::Released);
    }

    /// Settles the message now where that is wanted: what is left of its lease, and what its handler waits for.
    #[inline]
    pub(super) fn begin(&mut self, lease: Lease) -> (Option<Lease>, Option<u64>) {
        if !self.early {
            return (Some(lease), None);
        }
        self.settling.push(Settlement { lease, verdict: Verdict::Done });
        (None, Some(self.settling.ticket()))
    }

    pub(super) fn start_settling(&mut self, cx: &mut Context<'_>) {
        self.settling.start(cx, &mut self.tally);
    }
}
