//! One subscription: a member of a group, at its topic or at all that its pattern matches.

use super::answers::Answers;
use super::group::Sitting;
use super::log::Budget;
use super::topic::{Found, Shared, Topic};
use crate::contract::{Answer, Credit, Delivery, Lanes, Settle, Settled, Settlement, Source, Start, SubscribeOptions};
use crate::sync::{AtomicWaker, Mutex, MutexGuard};
use crate::{BrokerError, BrokerErrorKind};
use async_trait::async_trait;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use tokio::time::{Instant, Sleep, sleep_until};

/// Shared by the two halves: the last of them that goes gives back what the member has in hand.
pub(super) struct Member {
    number: u32,
    /// The topic or the pattern.
    pub(super) of: Arc<str>,
    pub(super) is_pattern: bool,
    pub(super) group: Arc<str>,
    limit: Credit,
    by_lane: bool,
    pub(super) lanes: Arc<Lanes>,
    /// Only added to, while the member is there.
    seats: Mutex<Vec<Seat>>,
    /// Where a new seat is noticed.
    seated: AtomicWaker,
    shared: Arc<Shared>,
}

/// A member at one topic.
struct Seat {
    topic: Arc<Topic>,
    group: usize,
    /// The messages have to say where they came from.
    is_one_of_many: bool,
}

/// Intake or settlement.
pub(super) struct Half {
    pub(super) member: Arc<Member>,
    /// Which seat is asked first.
    turn: usize,
}

impl Half {
    pub(super) fn new(member: Arc<Member>) -> Self {
        Self { member, turn: 0 }
    }
}

impl Member {
    pub(super) fn new(options: &SubscribeOptions, is_pattern: bool, shared: Arc<Shared>) -> Self {
        Self {
            number: shared.sessions.next(),
            of: options.topic.clone(),
            is_pattern,
            group: options.group.clone(),
            limit: options.limit,
            by_lane: options.by_lane,
            lanes: Arc::default(),
            seats: Mutex::default(),
            seated: AtomicWaker::new(),
            shared,
        }
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the group at a topic.
    pub(super) fn sit(&self, topic: &Arc<Topic>, start: Start) {
        let session = self.shared.sessions.next();
        let group = topic.group(&self.group, &self.of, start);
        topic.join(group, Sitting::new(self.number, session, &self.lanes, self.limit, self.by_lane));
        let is_one_of_many = topic.name != self.of;
        self.seats().push(Seat { topic: topic.clone(), group, is_one_of_many });
        self.seated.wake();
    }

    fn settle(&self, items: &[Settlement]) -> Settled {
        let seats = self.seats();
        let mut answers = Answers::default();
        let seat = |item: &Settlement| (item.lease.words[1] >> 32) as usize;
        for run in items.chunk_by(|one, other| seat(one) == seat(other)) {
            if let Some(Seat { topic, group, .. }) = seats.get(seat(&run[0])) {
                topic.settle(*group, run, &mut answers);
            }
        }
        answers.into_settled()
    }

    fn thrown_out(&self) -> BrokerError {
        let text = format!("the memory broker was restarted: the subscription of `{}` was renewed", self.of);
        BrokerError::new(BrokerErrorKind::Unavailable, text)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let seats = std::mem::take(&mut *self.seats());
        seats.iter().for_each(|seat| seat.topic.leave(seat.group, self.number));
    }
}

#[async_trait]
impl Source for Half {
    async fn next(&mut self, credit: Credit, into: &mut Vec<Delivery>) -> Result<(), BrokerError> {
        let Self { member, turn } = self;
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            loop {
                let mut budget = Budget::new(credit);
                let mut due: Option<Instant> = None;
                if let Err(away) = member.shared.plan.reach() {
                    return Poll::Ready(Err(away));
                }
                {
                    let seats = member.seats();
                    if member.is_pattern {
                        member.seated.register(cx.waker());
                        *turn += 1;
                    }
                    for at in 0..seats.len() {
                        let number = (*turn + at) % seats.len();
                        let Seat { topic, group, is_one_of_many } = &seats[number];
                        let before = into.len();
                        let at = (*group, member.number, number as u32);
                        match topic.take(at, &mut budget, into, cx.waker()) {
                            Found::ThrownOut => return Poll::Ready(Err(member.thrown_out())),
                            Found::Deliveries(moment) => due = [due, moment].into_iter().flatten().min(),
                        }
                        if *is_one_of_many {
                            for delivery in &mut into[before..] {
                                let message = std::mem::replace(&mut delivery.message, crate::Message::tombstone());
                                delivery.message = message.with_topic(topic.name.clone());
                            }
                        }
                    }
                }
                if !budget.is_whole() {
                    return Poll::Ready(Ok(()));
                }
                // Whoever leaves wakes only those who wait by then.
                if member.shared.plan.is_away() {
                    continue;
                }
                let Some(due) = due else { return Poll::Pending };
                let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
                if timer.deadline() != due {
                    timer.as_mut().reset(due);
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    async fn stop(&mut self) -> Result<(), BrokerError> {
        // Nothing is read ahead.
        let seats = self.member.seats();
        seats.iter().for_each(|seat| seat.topic.stop(seat.group, self.member.number));
        Ok(())
    }
}

impl Settle for Half {
    fn settle(&self, items: &mut Vec<Settlement>) -> Answer<Settled> {
        if self.member.shared.plan.is_away() {
            let (member, items) = (self.member.clone(), std::mem::take(items));
            return Answer::Later(Box::pin(async move {
                member.shared.plan.back().await;
                member.settle(&items)
            }));
        }
        let settled = self.member.settle(items);
        items.clear();
        Answer::Now(settled)
    }
}
