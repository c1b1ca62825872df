//! The loop of a subscriber that handles several messages at once, and settles each by itself.

use super::attempt::{Attempted, End, judge_other};
use super::desk::Desk;
use super::exit::Exit;
use super::failure::{Failure, Story};
use super::job::{Begin, InHand, Shared};
use super::line::Line;
use super::work::{BatchWork, Wanted};
use crate::Outcome;
use crate::contract::{Delivery, Source};
use crate::handler::Signals;
use modi_core::Error;
use modi_core::scope::panic_text;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

pub(super) async fn work<W: BatchWork>(
    shared: &Shared<W>,
    desk: &mut Desk<'_>,
    source: &mut dyn Source,
) -> Result<(), Exit> {
    let spec = shared.work.spec();
    let (size, limit, linger) = (spec.batch.unwrap_or(1), spec.limit, spec.linger);
    let mut line = Line::new(shared, desk);
    let mut waiting = VecDeque::with_capacity(limit);
    let mut came = Vec::with_capacity(limit);
    while line.goes_on() {
        line.probe().await;
        line.see_to_late().await;
        let mut until = (!waiting.is_empty()).then(|| line.desk.after(linger));
        while waiting.len() < if line.desk.is_careful() { 1 } else { size }
            && line.goes_on()
            && !line.desk.has_news()
            && until.is_none_or(|moment| !line.desk.has_come(moment))
        {
            line.receive(source, limit - waiting.len(), until, &mut came).await;
            waiting.extend(came.drain(..));
            if until.is_none() && !waiting.is_empty() {
                until = Some(line.desk.after(linger));
            }
            if waiting.is_empty() {
                break;
            }
        }
        // One message probes whether an outage is over, and one that may end the process does so alone.
        let many = if shared.breaker.is_open() || line.desk.is_careful() { 1 } else { size };
        let batch: Vec<_> = waiting.drain(..many.min(waiting.len())).collect();
        if line.desk.is_paced() && !batch.is_empty() {
            line.keep_pace(batch.len()).await;
        }
        if !batch.is_empty() && line.goes_on() {
            line.handle(batch).await;
        } else {
            batch.into_iter().rev().for_each(|delivery| waiting.push_front(delivery));
        }
        line.take_held(&mut came);
        came.drain(..).rev().for_each(|delivery| waiting.push_front(delivery));
        line.desk.tally.flush();
        line.desk.give_way(limit).await;
    }
    line.finish(source, waiting.into()).await
}

impl<W: BatchWork> Line<'_, '_, W> {
    async fn handle(&mut self, batch: Vec<Delivery>) {
        let (mut hands, mut items, mut undecodable) = (Vec::new(), Vec::new(), Vec::new());
        for Delivery { message, attempt: number, lease } in batch {
            let origin = lease.origin();
            if self.desk.is_gone(origin.lane) {
                self.desk.release(lease);
                continue;
            }
            let decoded =
                catch_unwind(AssertUnwindSafe(|| self.shared.work.decode(&message, number, origin.lane, &self.room)));
            if let Some(failure) = Failure::crash(&message, number) {
                let hand = InHand { message, number, origin, lease: Some(lease), arrival: 0, key: None };
                undecodable.push((hand, failure));
                continue;
            }
            let hand = InHand { message, number, origin, lease: Some(lease), arrival: 0, key: None };
            match decoded.unwrap_or_else(|panic| Err(Failure::decode(Error::reject(panic_text(&*panic))))) {
                Ok(item) => {
                    hands.push(hand);
                    items.push(item);
                }
                Err(failure) => undecodable.push((hand, failure)),
            }
        }
        if !hands.is_empty() {
            self.attempt(hands, items).await;
        }
        for (hand, failure) in undecodable {
            self.go_on_alone(hand, Begin::With(Attempted::Failed(failure))).await;
        }
    }

    async fn attempt(&mut self, hands: Vec<InHand>, items: Vec<W::Item>) {
        let Self { shared, desk, room, .. } = self;
        let first = &hands[0].message;
        let mut outcomes = None;
        let mut signals = Signals::default();
        let attempted = {
            let number = hands[0].number;
            let messages = hands.iter().map(|hand| &hand.message);
            signals.watch.begin_batch(messages, number, &shared.work.part(first).about);
            let messages = || hands.iter().map(|hand| &hand.message).collect();
            let wanted = Wanted { number, messages: &messages, items, outcomes: &mut outcomes };
            let mut running = pin!(Some(shared.work.attempt_all(wanted, room, &signals)));
            desk.drive(pin!(shared.see_through(first, &signals, running.as_mut()))).await
        };
        signals.watch.handled(shared.counters.seconds());
        signals.end(|| attempted.is_cut_off());
        std::mem::swap(&mut room.signals.watch, &mut signals.watch);
        let attempted = desk.drive(pin!(shared.finish(attempted, first, room))).await;
        match attempted {
            Attempted::Ended(End::Acked) => {
                if self.shared.breaker.is_troubled() {
                    self.recover().await;
                }
                self.settle_each(hands, outcomes).await;
                self.room.leave(&self.shared.name);
            }
            Attempted::Failed(failure) => self.try_one_by_one(hands, failure).await,
            Attempted::Ended(_) | Attempted::Cut => {
                for hand in hands {
                    self.desk.end(hand.lease, End::Released);
                }
            }
        }
        self.room.signals.watch.close();
    }

    /// What the handler said of each.
    async fn settle_each(&mut self, hands: Vec<InHand>, outcomes: Option<Vec<Outcome>>) {
        let (mut failed, mut kept) = (Vec::new(), Vec::new());
        let mut outcomes = outcomes.map(Vec::into_iter);
        let mut is_due = false;
        for hand in hands {
            let outcome = outcomes.as_mut().and_then(Iterator::next).unwrap_or(Outcome::Ack);
            let judged = match outcome {
                Outcome::Ack => Ok(End::Acked),
                outcome => judge_other(outcome, self.shared.work.part(&hand.message).name),
            };
            match judged {
                Ok(End::Released) if !self.shared.releases_one => kept.push(hand),
                Ok(end) => is_due |= self.desk.end(hand.lease, end),
                Err(failure) => failed.push((hand, failure)),
            }
        }
        if is_due {
            self.desk.settling.begin(&mut self.desk.tally).await;
        }
        for (hand, failure) in failed {
            self.go_on_alone(hand, Begin::With(Attempted::Failed(failure))).await;
        }
        for hand in kept {
            self.go_on_alone(hand, Begin::With(Attempted::Ended(End::Released))).await;
        }
    }

    /// One bad message must not fail its batch: after one wait each is tried alone.
    #[cold]
    async fn try_one_by_one(&mut self, hands: Vec<InHand>, failure: Failure) {
        let (subscriber, messages) = (&*self.shared.name, hands.len());
        let error = format!("{:#}", failure.error);
        tracing::warn!(subscriber, messages, error, "an attempt at a batch failed: its messages are tried one by one");
        let wait = self.shared.work.spec().retries.wait(1);
        self.desk.drive(pin!(self.shared.pause(wait, true))).await;
        for hand in hands {
            self.room.story = Some(Story::begin(&hand.message, hand.number, self.room.signals.watch.trace()));
            self.go_on_alone(hand, Begin::Second).await;
        }
    }

    async fn go_on_alone(&mut self, hand: InHand, begin: Begin) {
        if self.goes_on() && !self.holds() {
            self.room.leave(&self.shared.name);
            return self.go_on(hand, None, begin, false).await;
        }
        self.room.story = None;
        if let Some(delivery) = hand.give_back() {
            self.hold(delivery);
        }
    }
}
