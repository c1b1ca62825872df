//! The loop of a subscriber that handles one message at a time, in order.

use super::attempt::{Attempted, End};
use super::breaker::PATIENCE;
use super::control::Stage;
use super::exit::Exit;
use super::failure::Suspicion;
use super::job::{Begin, InHand, Room, Shared, Task};
use super::run::{Desk, Late};
use super::work::Work;
use crate::contract::{Credit, Delivery, Source};
use crate::handler::Signals;
use futures_util::future::BoxFuture;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

pub(super) async fn work<W: Work>(
    shared: &Shared<W>,
    desk: &mut Desk<'_>,
    source: &mut dyn Source,
) -> Result<(), Exit> {
    let limit = shared.work.spec().limit;
    let mut batch = Vec::with_capacity(limit);
    let (room, held, suspects) = (Room::default(), Vec::new(), Vec::new());
    let mut signals = Signals::default();
    let mut line = Line { shared, desk, room, held, suspects, holds: false, ended: Ok(()) };
    while line.ended.is_ok() && !line.desk.is_draining() {
        if shared.breaker.is_open() {
            let probe = line.desk.after(shared.breaker.pause());
            line.desk.drive(pin!(moment(shared, probe))).await;
        }
        line.see_to_late().await;
        if batch.is_empty() {
            line.receive(source, limit, &mut batch).await;
        }
        for Delivery { message, attempt: number, lease } in batch.drain(..) {
            if line.holds || line.ended.is_err() || line.desk.is_draining() {
                line.held.push(Delivery { message, attempt: number, lease });
                continue;
            }
            let lane = lease.lane;
            if line.desk.is_gone(lane) {
                line.desk.release(lease);
                continue;
            }
            let mut begin = Begin::first(&message, number);
            if !W::EARLY && !W::BY_HAND && matches!(begin, Begin::First) {
                signals.watch.begin(&message, number, || &shared.work.part(&message).about);
                let work = shared.work.attempt(&message, number, lane, &mut line.room, &signals);
                let mut running = pin!(Some(work));
                // Most handlers do not wait, and then none of what is below is needed.
                begin = Begin::With(match poll_fn(|cx| Poll::Ready(shared.run(running.as_mut(), cx))).await {
                    Poll::Ready(attempted) => attempted,
                    Poll::Pending => {
                        signals.watch.exit();
                        line.desk.drive(pin!(shared.see_through(&message, &signals, running.as_mut()))).await
                    }
                });
            }
            if let Begin::With(attempted) = &begin {
                signals.end(|| attempted.is_cut_off());
            }
            let is_plain = line.is_plain() && !signals.watch.is_open();
            if matches!(begin, Begin::With(Attempted::Ended(End::Acked))) && is_plain {
                if line.desk.ack(lease) {
                    line.desk.settling.begin(&mut line.desk.tally).await;
                }
                continue;
            }
            signals.watch.exit();
            std::mem::swap(&mut line.room.signals.watch, &mut signals.watch);
            let (lease, begins_at) = line.desk.begin(lease);
            let hand = InHand { message, number, lane, lease, arrival: 0, key: None };
            line.go_on(hand, begins_at, begin, false).await;
        }
        line.holds = false;
        std::mem::swap(&mut batch, &mut line.held);
        line.desk.tally.flush();
        line.desk.give_way(limit).await;
    }
    line.finish(batch).await
}

/// The messages of a subscriber, one after the other.
struct Line<'a, 'd, W> {
    shared: &'a Shared<W>,
    desk: &'a mut Desk<'d>,
    room: Room,
    /// They wait for the breaker, in order.
    held: Vec<Delivery>,
    /// They wait for the fate of later messages.
    suspects: Vec<Suspect>,
    /// What comes now is held.
    holds: bool,
    ended: Result<(), Exit>,
}

type Suspect = (Delivery, Box<Suspicion>);

impl<W: Work> Line<'_, '_, W> {
    /// A message that is handled needs nothing more.
    #[inline]
    fn is_plain(&self) -> bool {
        self.shared.is_over(&self.room) && !self.shared.breaker.is_troubled() && self.desk.confirming.is_empty()
    }

    /// What most messages do not need: scopes, results, failures.
    async fn go_on(&mut self, mut hand: InHand, begins_at: Option<u64>, begin: Begin, is_late: bool) {
        if W::BY_HAND {
            self.desk.by_hand.file(&mut hand, &mut self.room);
        }
        let InHand { number, lane, .. } = hand;
        let task = Task { message: &hand.message, number, lane, begins_at, room: &mut self.room };
        let end = self.desk.drive(pin!(self.shared.handle(task, begin))).await.end;
        if is_late && !matches!(end, Ok(End::Unconfirmed)) {
            self.desk.confirming.go_on();
        }
        if W::BY_HAND {
            let room = self.take_room();
            let Some((left, room)) = self.desk.let_go(hand, room, *end.as_ref().unwrap_or(&End::Released)) else {
                return;
            };
            hand = left;
            self.desk.rooms.push(std::mem::replace(&mut self.room, room));
        }
        match end {
            Ok(End::Unconfirmed) if is_late => {
                let room = self.take_room();
                self.desk.confirming.put_back(hand, room);
            }
            Ok(End::Kept | End::Suspected) if hand.lease.is_some() => self.wait_for_others(hand),
            Ok(end) => {
                let room = self.take_room();
                if self.desk.close(hand, room, end) {
                    self.desk.settling.begin(&mut self.desk.tally).await;
                }
                if self.shared.breaker.is_troubled() && end.is_success() {
                    self.recover().await;
                }
                // A probe that tells nothing: the next one has its turn.
                self.holds |= self.shared.breaker.is_open();
            }
            // The message stays with the broker.
            Err(error) => {
                self.desk.end(hand.lease.take(), End::Released);
                self.ended = Err(error);
            }
        }
    }

    fn take_room(&mut self) -> Room {
        let next = self.desk.room();
        std::mem::replace(&mut self.room, next)
    }

    #[cold]
    fn wait_for_others(&mut self, hand: InHand) {
        let InHand { message, number, lease: Some(lease), .. } = hand else { return };
        let delivery = Delivery { message, attempt: number, lease };
        match self.room.suspicion.take() {
            Some(suspicion) => self.suspects.push((delivery, suspicion)),
            None => {
                self.held.extend(self.suspects.drain(..).map(|(delivery, _)| delivery));
                self.held.push(delivery);
                self.holds = true;
            }
        }
    }

    /// Calls the handlers again whose publications failed.
    async fn see_to_late(&mut self) {
        while let Some(Late { hand, room, failure, holds_others }) = self.desk.late.pop_front() {
            let rest = std::mem::replace(&mut self.room, room);
            self.desk.rooms.push(rest);
            self.room.leave(&self.shared.name);
            let begin = Begin::With(Attempted::Failed(failure));
            self.go_on(hand, None, begin, holds_others).await;
        }
        if std::mem::take(&mut self.desk.has_recovered) {
            self.recover().await;
        }
    }

    /// A message was handled after others had failed: those whose retries are used up have only themselves to blame.
    async fn recover(&mut self) {
        self.shared.recovered();
        self.condemn().await;
    }

    /// Writes the copies or dead letters of those whose failure was their own.
    #[cold]
    fn condemn(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while !self.suspects.is_empty() && self.ended.is_ok() {
                let (Delivery { message, lease, .. }, suspicion) = self.suspects.remove(0);
                let lane = lease.lane;
                if self.desk.is_gone(lane) {
                    self.desk.release(lease);
                    continue;
                }
                let task = Task { message: &message, number: 0, lane, begins_at: None, room: &mut self.room };
                let end = self.desk.drive(pin!(self.shared.handle(task, Begin::Guilty(suspicion)))).await.end;
                self.desk.end(Some(lease), *end.as_ref().unwrap_or(&End::Released));
                self.ended = end.map(drop);
            }
        })
    }

    /// Waits for a batch, for a message whose publications failed, for the end of the suspects' patience, or for the stop.
    /// Settling goes on beside it.
    async fn receive(&mut self, source: &mut dyn Source, limit: usize, batch: &mut Vec<Delivery>) {
        let Self { desk, suspects, .. } = self;
        let bytes = self.shared.work.spec().bytes;
        let limit = limit.saturating_sub(suspects.len());
        let patience = (!suspects.is_empty()).then(|| desk.after(PATIENCE));
        let credit = limit.saturating_sub(desk.out());
        let received = {
            let grant = Credit { messages: credit, bytes };
            let mut next = (credit > 0 && desk.may_receive()).then(|| source.next(grant, batch));
            poll_fn(|cx| {
                desk.look_up(cx);
                if next.is_some() && !desk.may_receive() {
                    return Poll::Ready(Ok(()));
                }
                if let Some(next) = &mut next
                    && let Poll::Ready(received) = next.as_mut().poll(cx)
                {
                    return Poll::Ready(received);
                }
                if next.is_none() {
                    // Without credit the settlements are what everybody waits for.
                    desk.start_settling(cx);
                    if desk.may_receive() && desk.out() < limit {
                        return Poll::Ready(Ok(()));
                    }
                }
                let mut is_over = patience.is_some_and(|moment| desk.has_come(moment));
                while !is_over && desk.wait(cx) {
                    is_over = limit > 0 && next.is_none() == desk.may_receive()
                        || patience.is_some_and(|moment| desk.has_come(moment));
                }
                if is_over || desk.is_draining() || !desk.late.is_empty() || desk.has_recovered {
                    return Poll::Ready(Ok(()));
                }
                desk.rest();
                Poll::Pending
            })
            .await
        };
        self.ended = desk.received(received, batch).map_err(Exit::from);
        let nobody_comes = batch.is_empty() && patience.is_some_and(|moment| desk.has_come(moment));
        let is_alone = nobody_comes && desk.is_confirmed();
        if self.ended.is_ok() && is_alone && !desk.is_draining() {
            self.condemn().await;
        }
    }

    /// Gives back what has not started, and waits for what is to be confirmed.
    async fn finish(mut self, rest: Vec<Delivery>) -> Result<(), Exit> {
        let Self { desk, held, suspects, .. } = &mut self;
        let suspects = suspects.drain(..).map(|(delivery, _)| delivery);
        suspects.chain(rest).chain(held.drain(..)).for_each(|delivery| desk.release(delivery.lease));
        loop {
            self.see_to_late().await;
            let desk = &mut *self.desk;
            let is_confirmed = poll_fn(|cx| {
                desk.look_up(cx);
                match desk.is_confirmed() {
                    true => Poll::Ready(true),
                    false if !desk.late.is_empty() => Poll::Ready(false),
                    false if desk.wait(cx) => {
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                    false => Poll::Pending,
                }
            });
            if is_confirmed.await {
                // A message may have been kept once more.
                let kept = self.held.drain(..).chain(self.suspects.drain(..).map(|(delivery, _)| delivery));
                kept.for_each(|delivery| self.desk.release(delivery.lease));
                return self.ended;
            }
        }
    }
}

/// Waits for a moment, or for the stop.
async fn moment<W: Work>(shared: &Shared<W>, at: u64) {
    let come = poll_fn(|_| if shared.clock.has_come(at) { Poll::Ready(()) } else { Poll::Pending });
    shared.unless(Stage::Draining, come).await;
}
