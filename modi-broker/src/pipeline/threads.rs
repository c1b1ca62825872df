//! What a loop shares with other threads, in every order in which they may run.

use super::by_hand::{ByHand, Heard};
use super::control::{Control, Stage};
use super::job::{InHand, Room};
use super::slots::Slots;
use crate::contract::{Lanes, Lease};
use crate::handler::Left;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{AtomicWaker, in_every_order};
use crate::{Message, Outcome};
use futures_util::task::noop_waker_ref;
use loom::future::block_on;
use loom::thread;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Somebody else opens it.
#[derive(Default)]
struct Gate {
    is_open: AtomicBool,
    waker: AtomicWaker,
}

impl Gate {
    fn open(&self) {
        self.is_open.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.is_open.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn all_slots_end(many: usize, slots: [usize; 2]) {
    let gates: [Arc<Gate>; 2] = Default::default();
    let mut running = Slots::new(many);
    for at in 0..many {
        let gate = slots.iter().position(|slot| *slot == at).map(|which| gates[which].clone());
        running.start(move || poll_fn(move |cx| gate.as_ref().map_or(Poll::Ready(()), |gate| gate.poll(cx))), at);
    }
    let mut ended = Vec::new();
    while let Some((_, at)) = running.next() {
        ended.push(at);
    }
    let opening = gates.map(|gate| thread::spawn(move || gate.open()));
    block_on(async {
        while !running.is_idle() {
            let next = poll_fn(|cx| {
                running.register(cx.waker());
                running.next().map_or(Poll::Pending, Poll::Ready)
            });
            ended.push(next.await.1);
        }
    });
    ended.sort_unstable();
    assert!(ended.into_iter().eq(0..many));
    opening.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn no_wake_up_of_a_slot_is_lost() {
    in_every_order(|| all_slots_end(2, [0, 1]));
}

#[test]
fn no_wake_up_is_lost_where_slots_have_their_bits_in_two_words() {
    in_every_order(|| all_slots_end(65, [0, 64]));
}

const CUT: u8 = Stage::Cut as u8;

/// Waits as the loop does.
fn until_cut(control: &Control) {
    block_on(poll_fn(|cx| {
        let stage = control.poll_stage(cx);
        if stage & CUT == CUT { Poll::Ready(()) } else { Poll::Pending }
    }))
}

fn stage_of(control: &Control) -> u8 {
    control.poll_stage(&mut Context::from_waker(noop_waker_ref()))
}

#[test]
fn no_stage_is_lost_beside_questions_and_pauses() {
    in_every_order(|| {
        let control = Arc::new(Control::default());
        let others: [fn(&Control); 2] = [
            |control| control.cut(),
            |control| {
                control.ask();
                control.pause();
            },
        ];
        let others = others.map(|act| {
            let control = control.clone();
            thread::spawn(move || act(&control))
        });
        until_cut(&control);
        others.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(stage_of(&control) & CUT, CUT);
        assert!(!control.is_asked() && control.is_paused());
    });
}

#[test]
fn a_task_that_waits_answers_before_it_waits_again() {
    in_every_order(|| {
        let control = Arc::new(Control::default());
        let asking = {
            let control = control.clone();
            thread::spawn(move || {
                control.ask();
                control.cut();
            })
        };
        until_cut(&control);
        assert!(!control.is_asked(), "what was asked before is answered");
        asking.join().unwrap();
    });
}

#[test]
fn a_pause_that_ends_wakes_the_task() {
    in_every_order(|| {
        let control = Arc::new(Control::default());
        control.pause();
        let resuming = {
            let control = control.clone();
            thread::spawn(move || control.resume())
        };
        block_on(poll_fn(|cx| {
            control.poll_stage(cx);
            if control.is_paused() { Poll::Pending } else { Poll::Ready(()) }
        }));
        resuming.join().unwrap();
    });
}

#[test]
fn a_lane_that_was_revoked_is_gone_for_whoever_learns_of_it() {
    in_every_order(|| {
        let (lanes, gate) = (Arc::new(Lanes::default()), Arc::new(Gate::default()));
        let revoking = {
            let (lanes, gate) = (lanes.clone(), gate.clone());
            thread::spawn(move || {
                lanes.revoke(1);
                gate.open();
            })
        };
        if lanes.is_gone(1) {
            assert!(lanes.is_gone(1), "for ever");
        }
        block_on(poll_fn(|cx| gate.poll(cx)));
        assert!(lanes.is_gone(1) && !lanes.is_gone(2));
        revoking.join().unwrap();
    });
}

/// Handlers that succeed and have left their leases to other threads: each message ends once, and the loop hears it.
fn every_word_is_heard(say: [fn(crate::Lease); 2]) {
    in_every_order(move || {
        let mut by_hand = ByHand::default();
        let (mut hands, mut ended) = (Vec::new(), [0; 2]);
        let mut others = Vec::new();
        for (at, say) in say.into_iter().enumerate() {
            let lease = Lease { lane: 0, words: [at as u64, 0] };
            let (origin, message) = (lease.origin(), Message::new(""));
            let mut hand = InHand { message, number: 1, origin, lease: Some(lease), arrival: 0, key: None };
            let mut room = Room::default();
            by_hand.file(&mut hand, &mut room);
            let lease = crate::Lease::of(&room.signals).expect("free");
            others.push(thread::spawn(move || say(lease)));
            hands.push((hand, room));
        }
        let mut end = |lease: Option<Lease>| ended[lease.expect("it has not ended").words[0] as usize] += 1;
        for (hand, mut room) in hands {
            let left = room.signals.lease(true);
            let id = room.signals.let_go().expect("a ticket");
            match left {
                Left::Dropped => end(by_hand.take_back(id)),
                Left::Parked | Left::Settled => {
                    if let Some((hand, _)) = by_hand.park(id, hand) {
                        end(hand.lease);
                    }
                }
                Left::Free => panic!("it was taken"),
            }
        }
        block_on(poll_fn(|cx| {
            for (id, word) in by_hand.listen(cx) {
                match by_hand.hear(id, word) {
                    Some(Heard::Ended(lease, ..)) => end(Some(lease)),
                    Some(Heard::Failed(hand, _)) => end(hand.lease),
                    None => {}
                }
            }
            if by_hand.len() == 0 { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert_eq!(ended, [1, 1]);
        others.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn the_loop_hears_every_lease_that_is_settled_elsewhere() {
    let settle = |lease: crate::Lease| assert!(lease.settle(Outcome::Ack));
    let retry = |lease: crate::Lease| assert!(lease.settle(Outcome::Retry { after: None }));
    every_word_is_heard([settle, retry]);
}

#[test]
fn the_loop_hears_every_lease_that_is_dropped_elsewhere() {
    every_word_is_heard([drop, drop]);
}
