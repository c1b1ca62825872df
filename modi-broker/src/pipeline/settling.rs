//! Settlement beside everything else: at most one call under way, the rest collects.

use super::control::{Control, Stage};
use super::counters::Tally;
use crate::contract::{Answer, Capabilities, Settle, SettleResult, Settled, Settlement};
use futures_util::future::BoxFuture;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// A call starts when `at` settlements wait, or `linger` after the loop first had nothing to do while some waited. One
/// timer, armed once a period and not once a message; none where `linger` is zero.
pub(super) struct Settling {
    to: Arc<dyn Settle>,
    waiting: Vec<Settlement>,
    running: Option<(usize, BoxFuture<'static, Settled>)>,
    at: usize,
    linger: Duration,
    timer: Pin<Box<Sleep>>,
    armed: bool,
}

impl Settling {
    pub(super) fn new(to: Arc<dyn Settle>, capabilities: &Capabilities) -> Self {
        let (at, linger) = (capabilities.settle_at.max(1), capabilities.linger);
        let timer = Box::pin(sleep(linger));
        Self { to, waiting: Vec::with_capacity(at), running: None, at, linger, timer, armed: false }
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
        match self.to.settle(&mut self.waiting) {
            Answer::Now(settled) => count(tally, &settled, many),
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
            count(tally, &settled, *many);
            self.running = None;
        }
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

    /// Waits for `future` while settling goes on; `None` once the stop has come to `stage`.
    pub(super) async fn beside<F: Future>(
        &mut self,
        tally: &mut Tally,
        until: Option<(&Control, Stage)>,
        future: F,
    ) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            if until.is_some_and(|(control, stage)| control.poll_reached(stage, cx)) {
                return Poll::Ready(None);
            }
            self.idle(cx, tally);
            Poll::Pending
        })
        .await
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
