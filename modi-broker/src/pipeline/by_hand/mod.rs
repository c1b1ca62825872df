//! Messages that their handlers settle by hand: who holds their leases, and what those say.

use super::attempt::{End, judge_other};
use super::failure::Failure;
use super::job::{InHand, KEPT, Room};
use crate::Outcome;
use crate::contract::{Lease, SettleResult};
use crate::handler::{Inbox, Ticket, Word};
use std::collections::HashMap;
use std::sync::Arc;
use std::task::Context;
use tokio::sync::oneshot;

/// One a subscriber.
#[derive(Default)]
pub(super) struct ByHand {
    inbox: Arc<Inbox>,
    held: HashMap<u64, Held>,
    parked: usize,
    next: u64,
    /// A message can only be given back with its lane.
    keeps_lanes: bool,
}

struct Held {
    lease: Lease,
    /// Said while the handler ran, and for the failure path: so it waits for the end of the handler.
    said: Option<Outcome>,
    /// The handler has returned.
    hand: Option<InHand>,
}

/// What a lease came to.
pub(super) enum Heard {
    Ended(Lease, End, Option<oneshot::Sender<SettleResult>>),
    /// To be tried again, or for the dead letters.
    Failed(InHand, Failure),
}

impl Heard {
    fn failed((hand, failure): (InHand, Failure)) -> Self {
        Self::Failed(hand, failure)
    }
}

impl ByHand {
    pub(super) fn new(keeps_lanes: bool) -> Self {
        Self { keeps_lanes, ..Self::default() }
    }

    /// How many messages are in the hands of users, and of no handler that runs.
    pub(super) fn len(&self) -> usize {
        self.parked
    }

    /// Their payloads.
    pub(super) fn bytes(&self) -> usize {
        self.held.values().filter_map(|held| Some(held.hand.as_ref()?.message.size())).sum()
    }

    /// Takes the lease in, and leaves a ticket for it in the room.
    pub(super) fn file(&mut self, hand: &mut InHand, room: &mut Room) {
        let Some(lease) = hand.lease.take() else { return };
        self.next += 1;
        self.held.insert(self.next, Held { lease, said: None, hand: None });
        room.signals.hold(Ticket::new(self.next, Arc::downgrade(&self.inbox)));
    }

    /// The handler is done, and its message is for whoever has the lease. What was said already and is for the failure
    /// path begins now.
    pub(super) fn park(&mut self, id: u64, hand: InHand) -> Option<(InHand, Failure)> {
        let held = self.held.get_mut(&id)?;
        held.hand = Some(hand);
        self.parked += 1;
        let said = held.said.take()?;
        self.fail(id, said)
    }

    /// What is for the failure path waits until its handler has returned.
    fn fail(&mut self, id: u64, outcome: Outcome) -> Option<(InHand, Failure)> {
        let held = self.held.get_mut(&id)?;
        let Some(hand) = held.hand.take() else {
            held.said = Some(outcome);
            return None;
        };
        self.parked -= 1;
        let Held { lease, .. } = self.held.remove(&id)?;
        let failure = judge_other(outcome, "a lease").err()?;
        Some((InHand { lease: Some(lease), ..hand }, failure))
    }

    /// The handler has ended in another way, and its message is the pipeline's again.
    pub(super) fn take_back(&mut self, id: u64) -> Option<Lease> {
        self.held.remove(&id).map(|held| held.lease)
    }

    /// What was said since.
    pub(super) fn listen(&mut self, cx: &mut Context<'_>) -> Vec<(u64, Word)> {
        self.inbox.waker.register(cx.waker());
        self.inbox.take()
    }

    pub(super) fn hear(&mut self, id: u64, word: Word) -> Option<Heard> {
        let (outcome, answer) = match word {
            Word::Said(outcome, answer) => (outcome, answer),
            Word::Dropped => (Outcome::Release, None),
        };
        let end = match outcome {
            Outcome::Ack => End::Acked,
            Outcome::Drop { .. } => End::Dropped,
            Outcome::Release if !self.keeps_lanes => End::Released,
            // The broker takes no single message back: it is handled again in its place.
            Outcome::Release => return self.fail(id, Outcome::retry_after(KEPT)).map(Heard::failed),
            outcome => return self.fail(id, outcome).map(Heard::failed),
        };
        let Held { lease, hand, .. } = self.held.remove(&id)?;
        self.parked -= usize::from(hand.is_some());
        Some(Heard::Ended(lease, end, answer))
    }

    /// Takes back what is in the hands of users: the stop does not wait for it any longer. What handlers still have in
    /// theirs comes back when they end.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = Lease> {
        self.parked = 0;
        self.held.extract_if(|_, held| held.hand.is_some()).map(|(_, held)| held.lease)
    }
}

#[cfg(test)]
mod tests;
