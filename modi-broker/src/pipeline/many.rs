//! The loop of a subscriber that handles several messages side by side.

use super::attempt::End;
use super::job::{Ended, Room, Shared, Task};
use super::run::Desk;
use super::schedule::{Entered, Schedule};
use super::slots::Slots;
use crate::contract::{Delivery, Lease, Source};
use crate::handler::Order;
use crate::{BrokerError, Handler, Message};
use modi_core::Module;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::task::{Context, Poll};

pub(super) async fn work<M: Module, H: Handler<M>>(
    shared: &Shared<M, H>,
    desk: &mut Desk<'_>,
    source: &mut dyn Source,
) -> Result<(), BrokerError> {
    let limit = H::SPEC.limit;
    // One by one, credit would come back one by one, and batches would be single messages.
    let least = (limit / 4).max(1);
    let start = |task: Task<Message, Room>| shared.handle(task);
    let mut floor = Floor {
        shared,
        desk,
        slots: Slots::new(H::SPEC.concurrency.min(limit)),
        start,
        schedule: Schedule::new(),
        rooms: Vec::new(),
        hasher: RandomState::new(),
        held: 0,
        fatal: None,
    };
    let mut batch: Vec<Delivery> = Vec::with_capacity(limit);
    loop {
        let credit = limit.saturating_sub(floor.held + floor.desk.settling.outstanding());
        let asks = credit >= least && !floor.desk.is_draining() && floor.desk.may_receive();
        let mut next = asks.then(|| source.next(credit, &mut batch));
        let received = poll_fn(|cx| {
            floor.turn(cx);
            if let Some(next) = &mut next
                && let Poll::Ready(received) = next.as_mut().poll(cx)
            {
                return Poll::Ready(received);
            }
            if next.is_none() && floor.held == 0 {
                // Without credit the settlements are what everybody waits for.
                floor.desk.start_settling(cx);
            }
            let out = floor.held + floor.desk.settling.outstanding();
            let is_over = match floor.desk.is_draining() {
                true => next.is_some() || floor.held == 0,
                false => next.is_none() && out + least <= limit && floor.desk.may_receive(),
            };
            if is_over {
                return Poll::Ready(Ok(()));
            }
            floor.desk.rest();
            Poll::Pending
        })
        .await;
        drop(next);
        let received = floor.desk.received(received, &batch);
        floor.admit(&mut batch);
        floor.desk.tally.flush();
        if let Err(error) = received {
            floor.fail(error);
        }
        if floor.desk.is_draining() && floor.held == 0 {
            return floor.fatal.map_or(Ok(()), Err);
        }
        floor.desk.give_way(limit).await;
    }
}

/// What runs, what waits behind it, and how the one becomes the other.
struct Floor<'a, 'd, M: Module, H: Handler<M>, F, S> {
    shared: &'a Shared<M, H>,
    desk: &'a mut Desk<'d>,
    slots: Slots<F, Held>,
    start: S,
    schedule: Schedule<Delivery>,
    /// Left by jobs that ended, for those that begin.
    rooms: Vec<Room>,
    /// Of its own, so that nobody can choose keys that meet.
    hasher: RandomState,
    /// Received, and not yet given to settling.
    held: usize,
    fatal: Option<BrokerError>,
}

/// What a slot remembers of its message.
struct Held {
    lease: Option<Lease>,
    key: Option<u64>,
}

impl<M: Module, H: Handler<M>, F: Future<Output = Ended<Room>>, S: Fn(Task<Message, Room>) -> F>
    Floor<'_, '_, M, H, F, S>
{
    /// Starts and ends jobs until all of them wait.
    fn turn(&mut self, cx: &mut Context<'_>) {
        self.desk.settling.poll(cx, &mut self.desk.tally);
        loop {
            self.fill();
            while let Poll::Ready((ended, held)) = self.slots.poll(cx) {
                self.end(ended, held, cx);
                self.fill();
            }
            if !self.desk.wait(cx) {
                return;
            }
            self.slots.look_at_all();
        }
    }

    fn fill(&mut self) {
        if self.desk.is_draining() {
            // What waits behind a job that runs is given back after it, so that no other member overtakes it.
            for delivery in self.schedule.take_idle() {
                self.held -= 1;
                self.desk.release(delivery.lease);
            }
        }
        while self.slots.has_room()
            && let Some(Entered { key, item, .. }) = self.schedule.pop()
        {
            let Delivery { message, attempt: number, lease } = item;
            let lane = lease.lane;
            if self.desk.is_gone(lane) {
                self.held -= 1;
                self.desk.release(lease);
                self.schedule.done(key);
                continue;
            }
            let (lease, begins_at) = self.desk.begin(lease);
            let room = self.rooms.pop().unwrap_or_default();
            let job = (self.start)(Task { message, number, lane, begins_at, room });
            self.slots.start(job, Held { lease, key });
        }
    }

    fn end(&mut self, ended: Ended<Room>, held: Held, cx: &mut Context<'_>) {
        let Ended { end, mut room } = ended;
        self.held -= 1;
        // In case of an error the message stays with the broker.
        if self.desk.end(held.lease, *end.as_ref().unwrap_or(&End::Released)) {
            self.desk.start_settling(cx);
        }
        if !self.shared.plan.is_empty() {
            self.shared.leave(&mut room.scope);
        }
        self.rooms.push(room);
        self.schedule.done(held.key);
        if let Err(error) = end {
            self.fail(error);
        }
    }

    #[cold]
    fn fail(&mut self, error: BrokerError) {
        self.fatal.get_or_insert(error);
        self.desk.give_up();
    }

    fn admit(&mut self, batch: &mut Vec<Delivery>) {
        self.held += batch.len();
        for delivery in batch.drain(..) {
            let lane = u64::from(delivery.lease.lane);
            let key = match (H::SPEC.order, delivery.message.key()) {
                (Order::None, _) => None,
                (Order::Key, Some(key)) => Some(self.hasher.hash_one(&key[..])),
                // Messages without a key keep the order of their lane.
                (Order::Key, None) => Some(self.hasher.hash_one(lane)),
                (Order::Lane, _) => Some(lane),
            };
            self.schedule.push(key, delivery);
        }
    }
}
