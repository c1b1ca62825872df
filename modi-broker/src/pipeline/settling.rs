//! Settlement beside everything else: at most one call under way, the rest collects.

use super::counters::Tally;
use crate::contract::{Answer, Capabilities, Settle, SettleResult, Settled, Settlement};
use futures_util::future::BoxFuture;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

/// A call starts when `at` settlements wait, or `linger` after the loop first had nothing to do while some waited. One
/// timer, armed once a period and not once a message; none where `linger` is zero.
pub(super) struct Settling {
    to: Arc<dyn Settle>,
    waiting: Vec<Settlement>,
    running: Option<(usize, BoxFuture<'static, Settled>)>,
    /// Who wants to know what a settlement came to, by its place among those that wait.
    watched: Vec<Watched>,
    /// The same for those that run.
    watched_now: Vec<Watched>,
    /// How many were answered, in the order that they were given.
    answered: Arc<AtomicU64>,
    at: usize,
    linger: Duration,
    timer: Pin<Box<Sleep>>,
    armed: bool,
}

type Watched = (usize, oneshot::Sender<SettleResult>);

impl Settling {
    pub(super) fn new(to: Arc<dyn Settle>, capabilities: &Capabilities) -> Self {
        let (at, linger) = (capabilities.settle_at.max(1), capabilities.linger);
        let (timer, answered) = (Box::pin(sleep(linger)), Arc::default());
        let waiting = Vec::with_capacity(at);
        let (watched, watched_now) = (Vec::new(), Vec::new());
        Self { to, waiting, running: None, watched, watched_now, answered, at, linger, timer, armed: false }
    }

    /// Each settlement goes out at once: somebody waits for its answer.
    pub(super) fn at_once(self) -> Self {
        Self { at: 1, linger: Duration::ZERO, ..self }
    }

    /// What is pushed last has been answered when [`Settling::answered`] has come to this number.
    pub(super) fn ticket(&self) -> u64 {
        self.answered.load(Ordering::Relaxed) + self.outstanding() as u64
    }

    /// How many were answered.
    pub(super) fn answered(&self) -> &Arc<AtomicU64> {
        &self.answered
    }

    /// Given to settling, and not yet answered.
    pub(super) fn outstanding(&self) -> usize {
        self.waiting.len() + self.running.as_ref().map_or(0, |(many, _)| *many)
    }

    /// Whether so many wait by now that settling should begin.
    #[inline]
    pub(super) fn push(&mut self, settlement: Settlement) -> bool {
        self.waiting.push(settlement);
        self.waiting.len() >= self.at
    }

    /// Tells what becomes of the settlement that was pushed last.
    pub(super) fn watch_last(&mut self, answer: oneshot::Sender<SettleResult>) {
        if let Some(last) = self.waiting.len().checked_sub(1) {
            self.watched.push((last, answer));
        }
    }

    /// Settles what waits, without waiting for the answer.
    pub(super) async fn begin(&mut self, tally: &mut Tally) {
        poll_fn(|cx| {
            self.start(cx, tally);
            Poll::Ready(())
        })
        .await;
    }

    pub(super) fn start(&mut self, cx: &mut Context<'_>, tally: &mut Tally) {
        self.poll(cx, tally);
        if self.running.is_some() || self.waiting.is_empty() {
            return;
        }
        let many = self.waiting.len();
        std::mem::swap(&mut self.watched, &mut self.watched_now);
        match self.to.settle(&mut self.waiting) {
            Answer::Now(settled) => self.count(tally, &settled, many),
            Answer::Later(settled) => {
                self.running = Some((many, settled));
                self.poll(cx, tally);
            }
        }
    }

    #[inline]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, tally: &mut Tally) {
        if let Some((many, running)) = &mut self.running
            && let Poll::Ready(settled) = running.as_mut().poll(cx)
        {
            let many = *many;
            self.running = None;
            self.count(tally, &settled, many);
        }
    }

    fn count(&mut self, tally: &mut Tally, settled: &Settled, many: usize) {
        for (at, watched) in self.watched_now.drain(..) {
            let result = match settled {
                Settled::All(result) => Some(*result),
                Settled::Each(results) => results.get(at).copied(),
            };
            // Who has stopped waiting need not know.
            let _gone = watched.send(result.unwrap_or(SettleResult::Failed));
        }
        self.answered.fetch_add(many as u64, Ordering::Relaxed);
        count(tally, settled, many);
    }

    /// Called whenever the loop is about to wait.
    pub(super) fn idle(&mut self, cx: &mut Context<'_>, tally: &mut Tally) {
        tally.flush();
        self.poll(cx, tally);
        if self.waiting.is_empty() || self.running.is_some() {
            return;
        }
        if self.linger.is_zero() || self.waiting.len() >= self.at {
            self.start(cx, tally);
            tally.flush();
            return;
        }
        if !self.armed {
            self.timer.as_mut().reset(Instant::now() + self.linger);
            self.armed = true;
        }
        if self.timer.as_mut().poll(cx).is_ready() {
            self.armed = false;
            self.start(cx, tally);
        }
    }

    /// Settles all that waits, and waits for the answers.
    pub(super) async fn finish(&mut self, tally: &mut Tally) {
        poll_fn(|cx| {
            loop {
                self.start(cx, tally);
                match (&self.running, self.waiting.is_empty()) {
                    (Some(_), _) => return Poll::Pending,
                    (None, true) => return Poll::Ready(()),
                    (None, false) => {}
                }
            }
        })
        .await;
        tally.flush();
    }
}

fn count(tally: &mut Tally, settled: &Settled, many: usize) {
    let mut add = |result: SettleResult, many: u64| match result {
        SettleResult::Settled | SettleResult::Sent | SettleResult::Deferred => tally.local.settled += many,
        SettleResult::LeaseLost => tally.local.lease_lost += many,
        SettleResult::Unsupported | SettleResult::Failed => tally.local.settle_failed += many,
    };
    match settled {
        Settled::All(result) => add(*result, many as u64),
        Settled::Each(results) => results.iter().for_each(|result| add(*result, 1)),
    }
}
