//! Messages one after the other: what the loops for single messages and for batches have in common.

use super::attempt::{Attempted, End};
use super::breaker::PATIENCE;
use super::control::Stage;
use super::desk::{Desk, Late};
use super::exit::Exit;
use super::failure::Suspicion;
use super::job::{Begin, InHand, Room, Shared, Task};
use super::work::Work;
use crate::contract::{Credit, Delivery, Source};
use futures_util::future::BoxFuture;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// The messages of a subscriber, one after the other.
pub(super) struct Line<'a, 'd, W> {
    pub(super) shared: &'a Shared<W>,
    pub(super) desk: &'a mut Desk<'d>,
    pub(super) room: Box<Room>,
    /// They wait for the breaker, in order.
    held: Vec<Delivery>,
    /// They wait for the fate of later messages.
    suspects: Vec<Suspect>,
    /// What comes now is held.
    holds: bool,
    ended: Result<(), Exit>,
}

type Suspect = (Delivery, Box<Suspicion>);

impl<'a, 'd, W: Work> Line<'a, 'd, W> {
    pub(super) fn new(shared: &'a Shared<W>, desk: &'a mut Desk<'d>) -> Self {
        let (room, held, suspects) = (Box::default(), Vec::new(), Vec::new());
        Self { shared, desk, room, held, suspects, holds: false, ended: Ok(()) }
    }

    /// Neither an error nor the stop has ended it.
    #[inline]
    pub(super) fn goes_on(&self) -> bool {
        self.ended.is_ok() && !self.desk.is_draining()
    }

    /// What comes now is held back: see [`Line::hold`].
    #[inline]
    pub(super) fn holds(&self) -> bool {
        self.holds || !self.goes_on()
    }

    /// Holds a message back, for after the outage or for the broker.
    #[inline]
    pub(super) fn hold(&mut self, delivery: Delivery) {
        self.held.push(delivery);
    }

    /// Appends what was held back, in order; nothing is any more.
    pub(super) fn take_held(&mut self, to: &mut impl Extend<Delivery>) {
        self.holds = false;
        to.extend(self.held.drain(..));
    }

    /// Waits until the breaker lets a message try, if it is open.
    pub(super) async fn probe(&mut self) {
        let shared = self.shared;
        if shared.breaker.is_open() {
            let probe = self.desk.after(shared.breaker.pause());
            self.desk.drive(pin!(wait_for(shared, probe))).await;
        }
    }

    /// Waits until so many messages may begin. A stop ends the wait.
    pub(super) async fn keep_pace(&mut self, many: usize) {
        while let Err(moment) = self.desk.may_begin(many) {
            self.desk.drive(pin!(wait_for(self.shared, moment))).await;
            if !self.goes_on() {
                return;
            }
        }
    }

    /// A message that has ended waits for no other, and no other waits for it.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        !self.shared.breaker.is_troubled() && self.desk.confirming.is_empty()
    }

    /// What most messages do not need: scopes, results, failures.
    pub(super) async fn go_on(&mut self, mut hand: InHand, begins_at: Option<u64>, begin: Begin, is_late: bool) {
        if W::BY_HAND {
            self.desk.by_hand.file(&mut hand, &mut self.room);
        }
        let InHand { number, origin, .. } = hand;
        let task = Task { message: &hand.message, number, origin, begins_at, room: &mut *self.room };
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

    fn take_room(&mut self) -> Box<Room> {
        let next = self.desk.room();
        std::mem::replace(&mut self.room, next)
    }

    #[cold]
    fn wait_for_others(&mut self, hand: InHand) {
        let Some(delivery) = hand.give_back() else { return };
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
    pub(super) async fn see_to_late(&mut self) {
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
    pub(super) async fn recover(&mut self) {
        self.shared.recovered();
        self.condemn().await;
    }

    /// Writes the copies or dead letters of those whose failure was their own.
    #[cold]
    fn condemn(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while !self.suspects.is_empty() && self.ended.is_ok() {
                let (Delivery { message, lease, .. }, suspicion) = self.suspects.remove(0);
                let origin = lease.origin();
                if self.desk.is_gone(origin.lane) {
                    self.desk.release(lease);
                    continue;
                }
                let task = Task { message: &message, number: 0, origin, begins_at: None, room: &mut *self.room };
                let end = self.desk.drive(pin!(self.shared.handle(task, Begin::Guilty(suspicion)))).await.end;
                self.desk.end(Some(lease), *end.as_ref().unwrap_or(&End::Released));
                self.ended = end.map(drop);
            }
        })
    }

    /// Waits for deliveries, for a moment, for a message whose publications failed, for the end of the suspects' patience, or for the stop.
    /// Settling goes on beside it.
    pub(super) async fn receive(
        &mut self,
        source: &mut dyn Source,
        limit: usize,
        until: Option<u64>,
        batch: &mut Vec<Delivery>,
    ) {
        let Self { desk, suspects, .. } = self;
        let most = self.shared.work.spec().bytes;
        let bytes = most.saturating_sub(desk.bytes());
        let limit = if desk.is_careful() { 1 } else { limit.saturating_sub(suspects.len()) };
        let patience = (!suspects.is_empty()).then(|| desk.after(PATIENCE));
        let credit = if bytes == 0 { 0 } else { limit.saturating_sub(desk.out()) };
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
                    if desk.may_receive() && desk.out() < limit && desk.bytes() < most {
                        return Poll::Ready(Ok(()));
                    }
                }
                let is_time = |desk: &Desk<'_>| patience.into_iter().chain(until).any(|moment| desk.has_come(moment));
                let mut is_over = is_time(desk);
                while !is_over && desk.wait(cx) {
                    is_over = limit > 0 && next.is_none() == desk.may_receive() || is_time(desk);
                }
                if is_over || desk.is_draining() || desk.has_news() {
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
    pub(super) async fn finish(mut self, source: &mut dyn Source, rest: Vec<Delivery>) -> Result<(), Exit> {
        self.desk.stop_intake(source).await;
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
async fn wait_for<W: Work>(shared: &Shared<W>, at: u64) {
    let come = poll_fn(|_| if shared.clock.has_come(at) { Poll::Ready(()) } else { Poll::Pending });
    shared.unless(Stage::Draining, come).await;
}
