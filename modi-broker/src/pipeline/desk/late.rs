//! Messages that come back to the loop after their handlers were done: confirmed, settled by hand, or to be handled again.

use super::Desk;
use crate::handler::Word;
use crate::pipeline::attempt::End;
use crate::pipeline::by_hand::Heard;
use crate::pipeline::confirming::Confirmed;
use crate::pipeline::failure::Failure;
use crate::pipeline::job::{InHand, Room};
use std::task::{Context, Poll};

/// A message whose handler was done, and that has to be handled again.
pub(in crate::pipeline) struct Late {
    pub(in crate::pipeline) hand: InHand,
    pub(in crate::pipeline) room: Box<Room>,
    pub(in crate::pipeline) failure: Failure,
    /// Its publications failed, and those behind it wait for it.
    pub(in crate::pipeline) holds_others: bool,
}

impl Desk<'_> {
    /// What the leases say that handlers hold.
    pub(super) fn listen(&mut self, cx: &mut Context<'_>) {
        for (id, word) in self.by_hand.listen(cx) {
            if matches!(word, Word::Dropped) {
                self.tally.local.returned += 1;
            }
            match self.by_hand.hear(id, word) {
                None => {}
                Some(Heard::Failed(hand, failure)) => self.fail_late(hand, failure),
                Some(Heard::Ended(lease, end, answer)) => {
                    self.has_recovered |= self.breaker.is_troubled() && end.is_success();
                    let is_due = self.end(Some(lease), end);
                    if let Some(answer) = answer {
                        self.settling.watch_last(answer);
                    }
                    if is_due {
                        self.start_settling(cx);
                    }
                }
            }
        }
    }

    fn fail_late(&mut self, hand: InHand, failure: Failure) {
        let room = self.room();
        self.late.push_back(Late { hand, room, failure, holds_others: false });
    }

    /// A handler that settles by hand has ended: gives back what is still the pipeline's.
    pub(in crate::pipeline) fn let_go(
        &mut self,
        mut hand: InHand,
        mut room: Box<Room>,
        end: End,
    ) -> Option<(InHand, Box<Room>)> {
        let Some(id) = room.signals.let_go() else { return Some((hand, room)) };
        if end == End::ByHand {
            self.take_back(room);
            if let Some((hand, failure)) = self.by_hand.park(id, hand) {
                self.fail_late(hand, failure);
            }
            return None;
        }
        hand.lease = self.by_hand.take_back(id);
        Some((hand, room))
    }

    pub(super) fn confirm(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(confirmed) = self.confirming.poll(cx) {
            match confirmed {
                Confirmed::Failed(hand, room, failure) => {
                    self.late.push_back(Late { hand, room, failure, holds_others: true });
                }
                Confirmed::Ended(hand, room, end) => {
                    self.has_recovered |= self.breaker.is_troubled() && end.is_success();
                    if self.end(hand.lease, end) {
                        self.start_settling(cx);
                    }
                    self.take_back(room);
                }
            }
        }
    }

    /// The message has come to its end, and waits for those whose publications are not confirmed, so that it is settled
    /// after them. Whether settling should begin.
    pub(in crate::pipeline) fn close(&mut self, hand: InHand, room: Box<Room>, end: End) -> bool {
        if end == End::Unconfirmed {
            self.confirming.push(hand, room, End::Acked);
        } else if end != End::Released && hand.lease.is_some() && !self.confirming.is_empty() {
            self.confirming.push(hand, room, end);
        } else {
            let is_due = self.end(hand.lease, end);
            self.take_back(room);
            return is_due;
        }
        false
    }

    /// Drops the scoped services that are left in the room, and keeps it for another message.
    fn take_back(&mut self, mut room: Box<Room>) {
        room.leave(self.name);
        room.story = None;
        self.rooms.push(room);
    }
}
