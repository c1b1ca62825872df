//! Messages whose handlers are done, while what these published is confirmed: beside the next messages, and in order.

use super::attempt::End;
use super::counters::{Counters, count};
use super::failure::Failure;
use super::job::{InHand, Room};
use crate::contract::{Answer, Outgoing, Publish, Receipt};
use crate::handler::Destination;
use crate::{BrokerError, BrokerErrorKind, Message, PublishError};
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What a handler published, and what is not confirmed yet.
pub(super) struct Unconfirmed {
    pub(super) to: Destination,
    pub(super) message: Message,
    pub(super) answer: BoxFuture<'static, Result<Receipt, BrokerError>>,
    /// The same bytes were sent a second time.
    pub(super) again: bool,
}

/// First in, first out: a message is settled after those that came before it, so that a crash repeats no message without
/// those behind it.
pub(super) struct Confirming {
    publish: Arc<dyn Publish>,
    counters: Arc<Counters>,
    queue: VecDeque<Waiting>,
    /// Their payloads.
    bytes: usize,
    /// The first of all is being handled again.
    is_held: bool,
}

struct Waiting {
    hand: InHand,
    room: Box<Room>,
    /// What it comes to once its publications are confirmed.
    end: End,
}

/// What became of the first.
pub(super) enum Confirmed {
    Ended(InHand, Box<Room>, End),
    /// A publication failed for good, and the handler has to be called again. Nobody overtakes it until
    /// [`Confirming::go_on`].
    Failed(InHand, Box<Room>, Failure),
}

impl Confirming {
    pub(super) fn new(publish: Arc<dyn Publish>, counters: Arc<Counters>) -> Self {
        Self { publish, counters, queue: VecDeque::new(), bytes: 0, is_held: false }
    }

    /// Nothing waits, and nothing has to wait.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && !self.is_held
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Their payloads.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Waits for the publications in the room, and for what came before.
    pub(super) fn push(&mut self, hand: InHand, room: Box<Room>, end: End) {
        self.bytes += hand.message.size();
        self.queue.push_back(Waiting { hand, room, end });
    }

    /// The one that failed was handled again, and waits again.
    pub(super) fn put_back(&mut self, hand: InHand, room: Box<Room>) {
        self.bytes += hand.message.size();
        self.queue.push_front(Waiting { hand, room, end: End::Acked });
        self.is_held = false;
    }

    /// The one that failed has come to another end.
    pub(super) fn go_on(&mut self) {
        self.is_held = false;
    }

    /// Gives up waiting: what is not confirmed is not settled.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = InHand> {
        self.is_held = false;
        self.bytes = 0;
        std::mem::take(&mut self.queue).into_iter().map(|waiting| waiting.hand)
    }

    /// Only the first is looked at: a confirmation needs nobody to look at it for coming in.
    #[inline]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Confirmed> {
        if self.queue.is_empty() || self.is_held { Poll::Pending } else { self.poll_first(cx) }
    }

    fn pop(&mut self) -> Option<Waiting> {
        let first = self.queue.pop_front()?;
        self.bytes -= first.hand.message.size();
        Some(first)
    }

    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Confirmed> {
        let Some(first) = self.queue.front_mut() else { return Poll::Pending };
        while let Some(unconfirmed) = first.room.unconfirmed.front_mut() {
            match unconfirmed.answer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(_)) => {
                    count(&self.counters.published);
                    first.room.unconfirmed.pop_front();
                }
                // A lost confirmation says nothing: the same bytes again.
                Poll::Ready(Err(error)) if error.kind() == BrokerErrorKind::Unavailable && !unconfirmed.again => {
                    let outgoing = Outgoing::new(unconfirmed.to.place(), unconfirmed.message.clone());
                    unconfirmed.answer = later(self.publish.send(outgoing));
                    unconfirmed.again = true;
                }
                Poll::Ready(Err(source)) => {
                    let error = PublishError::Broker { topic: unconfirmed.to.place().to_string(), source };
                    first.room.unconfirmed.clear();
                    self.is_held = true;
                    let failed = self.pop();
                    let failure = Failure::returned(error.into());
                    return failed
                        .map_or(Poll::Pending, |it| Poll::Ready(Confirmed::Failed(it.hand, it.room, failure)));
                }
            }
        }
        let confirmed = self.pop();
        confirmed.map_or(Poll::Pending, |it| Poll::Ready(Confirmed::Ended(it.hand, it.room, it.end)))
    }
}

pub(super) fn later<T: Send + 'static>(answer: Answer<T>) -> BoxFuture<'static, T> {
    match answer {
        Answer::Now(answer) => Box::pin(std::future::ready(answer)),
        Answer::Later(answer) => answer,
    }
}
