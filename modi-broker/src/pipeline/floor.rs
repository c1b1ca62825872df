//! The messages of a subscriber side by side: which may start, which run, and how they end.

use super::attempt::{Attempted, End};
use super::breaker::PATIENCE;
use super::desk::{Desk, Late};
use super::exit::Exit;
use super::failure::{Failure, Suspicion};
use super::job::{Begin, Ended, InHand, Room, Shared, Task};
use super::schedule::{Entered, Schedule};
use super::slots::Slots;
use super::work::Work;
use crate::Message;
use crate::contract::{Delivery, Lease, Origin};
use crate::handler::Order;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::task::Context;

/// What runs, what waits behind it, and how the one becomes the other.
pub(super) struct Floor<'a, 'd, W, F, S> {
    shared: &'a Shared<W>,
    pub(super) desk: &'a mut Desk<'d>,
    slots: Slots<F, Held>,
    start: S,
    schedule: Schedule<Item>,
    /// Of its own, so that nobody can choose keys that meet.
    hasher: RandomState,
    /// They failed while the breaker is open; their keys are taken.
    kept: Vec<Entered<Item>>,
    /// Their retries are used up, and the next messages tell whether that is their own fault.
    suspects: Vec<Suspect>,
    /// It is.
    condemned: VecDeque<Suspect>,
    /// When the open breaker lets one message try.
    probes_at: Option<u64>,
    /// When suspects are no longer given the time to be joined by others.
    patience: Option<u64>,
    /// Received, and not yet given to settling.
    pub(super) held: usize,
    /// Their payloads.
    bytes: usize,
    pub(super) fatal: Option<Exit>,
}

/// A message that has not started, or starts again.
struct Item {
    message: Message,
    number: u32,
    origin: Origin,
    lease: Option<Lease>,
    /// Its publications failed, and those behind it wait for it.
    late: Option<Box<(Box<Room>, Failure, bool)>>,
}

/// What a slot remembers of its message.
struct Held {
    lease: Option<Lease>,
    number: u32,
    origin: Origin,
    arrival: u64,
    key: Option<u64>,
    is_late: bool,
}

type Suspect = (Entered<Item>, Box<Suspicion>);

impl<'a, 'd, W: Work, F: Future<Output = Ended<Message, Box<Room>>>, S: Fn(Task<Message, Box<Room>>, Begin) -> F>
    Floor<'a, 'd, W, F, S>
{
    pub(super) fn new(shared: &'a Shared<W>, desk: &'a mut Desk<'d>, start: S) -> Self {
        let spec = shared.work.spec();
        Self {
            shared,
            desk,
            slots: Slots::new(spec.concurrency.min(spec.limit)),
            start,
            schedule: Schedule::new(),
            hasher: RandomState::new(),
            kept: Vec::new(),
            suspects: Vec::new(),
            condemned: VecDeque::new(),
            probes_at: None,
            patience: None,
            held: 0,
            bytes: 0,
            fatal: None,
        }
    }

    /// Received, and not known to be settled.
    pub(super) fn out(&self) -> usize {
        self.held + self.desk.out()
    }

    pub(super) fn bytes_left(&self) -> usize {
        self.shared.work.spec().bytes.saturating_sub(self.bytes + self.desk.bytes())
    }

    /// Whether the intake is to be asked.
    pub(super) fn wants(&self, limit: usize, least: usize) -> bool {
        let has_room = match self.shared.breaker.is_open() {
            true => self.held == 0,
            false if self.desk.is_careful() => self.out() == 0,
            false => self.out() + least <= limit && self.bytes_left() > 0,
        };
        has_room && !self.desk.is_draining() && self.desk.may_receive()
    }

    /// Starts and ends jobs until all of them wait.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>) {
        self.desk.look_up(cx);
        self.slots.register(cx.waker());
        loop {
            self.fill();
            if self.end_what_is_done(cx) {
                continue;
            }
            if !self.desk.wait(cx) {
                return;
            }
            self.slots.look_at_all();
        }
    }

    /// Whether there was any: all of them before others take their places.
    fn end_what_is_done(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_any = false;
        while let Some((ended, held)) = self.slots.next() {
            self.end(ended, held, cx);
            is_any = true;
        }
        is_any
    }

    fn fill(&mut self) {
        if self.desk.has_news() {
            self.see_to_late();
        }
        if self.desk.is_draining() {
            self.give_back();
        }
        if self.shared.breaker.is_troubled() || !self.suspects.is_empty() || !self.condemned.is_empty() {
            self.sort_out();
            if self.shared.breaker.is_open() {
                return;
            }
        }
        while self.slots.has_room() && !self.schedule.is_empty() {
            if self.desk.is_paced()
                && let Err(moment) = self.desk.may_begin(1)
                && !self.desk.has_come(moment)
            {
                return;
            }
            if let Some(entered) = self.schedule.pop() {
                self.begin(entered, None);
            }
        }
    }

    /// Messages whose publications failed start again, before others of their keys.
    #[cold]
    fn see_to_late(&mut self) {
        while let Some(late) = self.desk.late.pop_front() {
            let Late { hand, room, failure, holds_others } = late;
            let InHand { message, number, origin, lease, arrival, key } = hand;
            let item = Item { message, number, origin, lease, late: Some(Box::new((room, failure, holds_others))) };
            self.held += 1;
            self.bytes += item.message.size();
            self.schedule.put_first(vec![Entered { arrival, key, item }]);
        }
        if std::mem::take(&mut self.desk.has_recovered) {
            self.recover();
        }
    }

    fn begin(&mut self, entered: Entered<Item>, suspicion: Option<Box<Suspicion>>) {
        let Entered { arrival, key, item: Item { message, number, origin, lease, late } } = entered;
        let is_late = late.as_ref().is_some_and(|late| late.2);
        if self.desk.is_gone(origin.lane) {
            self.give_one_back(&message, lease, is_late);
            self.schedule.done(key);
            return;
        }
        let (room, begin) = match (late, suspicion) {
            (Some(late), _) => {
                let (mut room, failure, _) = *late;
                room.leave(&self.shared.name);
                (room, Begin::With(Attempted::Failed(failure)))
            }
            (None, Some(suspicion)) => (self.desk.room(), Begin::Guilty(suspicion)),
            (None, None) => (self.desk.room(), Begin::first(&message, number)),
        };
        let (lease, begins_at) = match (&begin, lease) {
            (Begin::First, Some(lease)) => self.desk.begin(lease),
            (_, lease) => (lease, None),
        };
        let mut hand = InHand { message, number, origin, lease, arrival, key };
        let mut room = room;
        if W::BY_HAND {
            self.desk.by_hand.file(&mut hand, &mut room);
        }
        let InHand { message, lease, .. } = hand;
        let task = Task { message, number, origin, begins_at, room };
        self.slots.start(|| (self.start)(task, begin), Held { lease, number, origin, arrival, key, is_late });
    }

    fn give_one_back(&mut self, message: &Message, lease: Option<Lease>, is_late: bool) {
        self.held -= 1;
        self.bytes -= message.size();
        self.desk.end(lease, End::Released);
        if is_late {
            self.desk.confirming.go_on();
        }
    }

    /// What waits behind a job that runs is given back after it, so that no other member overtakes it.
    #[cold]
    fn give_back(&mut self) {
        let mut back: Vec<_> = self.kept.drain(..).collect();
        back.iter().for_each(|kept| self.schedule.done(kept.key));
        back.extend(self.suspects.drain(..).chain(self.condemned.drain(..)).map(|(entered, _)| entered));
        back.sort_unstable_by_key(|entered| entered.arrival);
        let back = back.into_iter().map(|entered| entered.item);
        for Item { message, lease, late, .. } in back.chain(self.schedule.take_idle()) {
            self.give_one_back(&message, lease, late.is_some_and(|late| late.2));
        }
    }

    /// After failures: which messages probe, wait for others, or go to the dead letters.
    #[cold]
    fn sort_out(&mut self) {
        if self.shared.breaker.is_open() {
            // What runs comes to its end first: it may be a success.
            if !self.slots.is_idle() {
                return;
            }
            if !(self.kept.is_empty() && self.suspects.is_empty()) {
                let suspects = self.suspects.drain(..).map(|(entered, _)| entered);
                self.schedule.restore(self.kept.drain(..).chain(suspects).collect());
            }
            let moment = *self.probes_at.get_or_insert_with(|| self.desk.after(self.shared.breaker.pause()));
            if self.desk.has_come(moment) {
                self.probes_at = None;
                if let Some(entered) = self.schedule.pop() {
                    self.begin(entered, None);
                }
            }
            return;
        }
        self.probes_at = None;
        if self.suspects.is_empty() || !self.slots.is_idle() || !self.schedule.is_empty() {
            self.patience = None;
        } else {
            let moment = *self.patience.get_or_insert_with(|| self.desk.after(PATIENCE));
            if self.desk.has_come(moment) {
                self.condemned.extend(self.suspects.drain(..));
            }
        }
        while self.slots.has_room()
            && let Some((entered, suspicion)) = self.condemned.pop_front()
        {
            // Its key was done when it became a suspect.
            self.begin(Entered { key: None, ..entered }, Some(suspicion));
        }
    }

    /// What is left to do for a message that was handled after others had failed.
    #[cold]
    fn recover(&mut self) {
        let was_open = self.shared.recovered();
        self.schedule.resume(std::mem::take(&mut self.kept));
        if was_open {
            // They were not to blame.
            let suspects = self.suspects.drain(..).map(|(entered, _)| entered);
            self.schedule.put_first(suspects.collect());
        } else {
            self.condemned.extend(self.suspects.drain(..));
        }
    }

    fn end(&mut self, ended: Ended<Message, Box<Room>>, held: Held, cx: &mut Context<'_>) {
        let Ended { end, message, mut room } = ended;
        let Held { lease, number, origin, arrival, key, is_late } = held;
        let size = message.size();
        let mut hand = InHand { message, number, origin, lease, arrival, key };
        if is_late && !matches!(end, Ok(End::Unconfirmed)) {
            self.desk.confirming.go_on();
        }
        if W::BY_HAND {
            let Some((left, rest)) = self.desk.let_go(hand, room, *end.as_ref().unwrap_or(&End::Released)) else {
                self.held -= 1;
                self.bytes -= size;
                self.schedule.done(key);
                return;
            };
            (hand, room) = (left, rest);
        }
        if matches!(end, Ok(End::Kept | End::Suspected)) && hand.lease.is_some() {
            let InHand { message, lease, .. } = hand;
            let item = Item { message, number, origin, lease, late: None };
            let entered = Entered { arrival, key, item };
            match room.suspicion.take() {
                None => self.kept.push(entered),
                Some(suspicion) => {
                    self.suspects.push((entered, suspicion));
                    self.schedule.done(key);
                }
            }
            self.desk.rooms.push(room);
            return;
        }
        self.held -= 1;
        self.bytes -= size;
        self.schedule.done(key);
        match end {
            Ok(End::Unconfirmed) if is_late => self.desk.confirming.put_back(hand, room),
            Ok(end) => {
                if self.desk.close(hand, room, end) {
                    self.desk.start_settling(cx);
                }
                if self.shared.breaker.is_troubled() && end.is_success() {
                    self.recover();
                }
            }
            // The message stays with the broker.
            Err(error) => {
                self.desk.end(hand.lease, End::Released);
                self.fail(error);
            }
        }
    }

    #[cold]
    pub(super) fn fail(&mut self, exit: Exit) {
        self.fatal.get_or_insert(exit);
        self.desk.give_up();
    }

    pub(super) fn admit(&mut self, batch: &mut Vec<Delivery>) {
        self.held += batch.len();
        self.bytes += batch.iter().map(|delivery| delivery.message.size()).sum::<usize>();
        for delivery in batch.drain(..) {
            let lane = u64::from(delivery.lease.lane);
            let key = match (self.shared.work.spec().order, delivery.message.key()) {
                (Order::None, _) => None,
                (Order::Key, Some(key)) => Some(self.hasher.hash_one(&key[..])),
                // Messages without a key keep the order of their lane.
                (Order::Key, None) => Some(self.hasher.hash_one(lane)),
                (Order::Lane, _) => Some(lane),
            };
            let Delivery { message, attempt: number, lease } = delivery;
            let item = Item { message, number, origin: lease.origin(), lease: Some(lease), late: None };
            self.schedule.push(key, item);
        }
    }
}
