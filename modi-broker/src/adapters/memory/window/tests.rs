//! A window against its model.

use super::*;
use crate::Message;
use crate::adapters::memory::MemoryProfile;
use crate::contract::Credit;
use proptest::prelude::*;
use std::time::Duration;

const ALL: Credit = Credit { messages: 99, bytes: usize::MAX };

fn log(messages: u64) -> Log {
    Log { base: 0, messages: (0..messages).map(|number| Message::new(number.to_string())).collect() }
}

fn window(open: usize) -> Window {
    Window::new(0, open, MemoryProfile::Native.rules())
}

fn take(window: &mut Window, session: u32, log: &Log, messages: usize) -> Vec<Delivery> {
    let mut into = Vec::new();
    window.take(session, log, 0, &mut Budget::new(Credit { messages, ..ALL }), &mut into);
    into
}

fn settle(window: &mut Window, log: &Log, delivery: Delivery, verdict: Verdict) -> SettleResult {
    let result = window.settle(&Settlement { lease: delivery.lease, verdict }, log);
    window.advance();
    result
}

fn positions(deliveries: &[Delivery]) -> Vec<(u64, u32)> {
    deliveries.iter().map(|delivery| (delivery.lease.words[0], delivery.attempt)).collect()
}

#[test]
fn the_finished_prefix_grows_over_holes() {
    let (log, mut window) = (log(3), window(3));
    let mut out = take(&mut window, 1, &log, 9);
    let (third, second, first) = (out.remove(2), out.remove(1), out.remove(0));
    assert_eq!(settle(&mut window, &log, second, Verdict::Done), SettleResult::Settled);
    assert_eq!((window.low, window.open), (0, 2));
    settle(&mut window, &log, first, Verdict::Done);
    assert_eq!((window.low, window.open), (2, 1));
    settle(&mut window, &log, third, Verdict::Done);
    assert_eq!((window.low, window.open), (3, 0));
}

#[test]
fn what_is_released_comes_first_and_does_not_count() {
    let (log, mut window) = (log(3), window(3));
    let mut out = take(&mut window, 1, &log, 2);
    settle(&mut window, &log, out.remove(1), Verdict::Release);
    assert_eq!(positions(&take(&mut window, 1, &log, 9)), [(1, 1), (2, 1)]);
}

#[test]
fn what_a_member_that_left_had_in_hand_comes_again_and_counts() {
    let (log, mut window) = (log(2), window(2));
    let mut out = take(&mut window, 1, &log, 9);
    window.end(1, &log);
    assert_eq!(settle(&mut window, &log, out.remove(0), Verdict::Done), SettleResult::LeaseLost);
    assert_eq!(positions(&take(&mut window, 2, &log, 9)), [(0, 2), (1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_not_early() {
    let (log, mut window) = (log(1), window(1));
    let mut out = take(&mut window, 1, &log, 1);
    settle(&mut window, &log, out.remove(0), Verdict::RetryAfter(Duration::from_secs(3)));
    tokio::time::advance(Duration::from_millis(2_999)).await;
    assert!(take(&mut window, 1, &log, 1).is_empty());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(positions(&take(&mut window, 1, &log, 1)), [(0, 2)]);
}

#[derive(Clone, Debug)]
enum Step {
    Arrive(Option<u8>),
    Take { member: usize, messages: usize },
    Done(usize),
    Release(usize),
    Join,
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::option::weighted(0.8, 0..3_u8).prop_map(Step::Arrive),
        5 => (0..3_usize, 1..4_usize).prop_map(|(member, messages)| Step::Take { member, messages }),
        5 => (0..16_usize).prop_map(Step::Done),
        1 => (0..16_usize).prop_map(Step::Release),
        1 => Just(Step::Join),
        1 => (0..3_usize).prop_map(Step::Leave),
    ]
}

/// Members, and what each has in hand.
struct Model {
    window: Window,
    log: Log,
    members: Vec<u32>,
    next: u32,
    out: Vec<(u32, Delivery)>,
    done: Vec<u64>,
}

impl Model {
    fn key(&self, position: u64) -> Option<Vec<u8>> {
        self.log.at(position).key().map(|key| key.to_vec())
    }

    fn take(&mut self, session: u32, messages: usize) -> usize {
        let taken = take(&mut self.window, session, &self.log, messages);
        for delivery in &taken {
            let position = delivery.lease.words[0];
            let Some(key) = self.key(position) else { continue };
            let elsewhere = self
                .out
                .iter()
                .find(|(by, other)| *by != session && self.key(other.lease.words[0]).as_ref() == Some(&key));
            assert!(elsewhere.is_none(), "{key:?} is at {elsewhere:?}, and {session} gets {position}");
            let skipped = (0..position).find(|earlier| {
                let is_in_hand = |by: &[Delivery]| by.iter().any(|other| other.lease.words[0] == *earlier);
                self.key(*earlier).as_ref() == Some(&key)
                    && !self.done.contains(earlier)
                    && !self.out.iter().any(|(_, other)| other.lease.words[0] == *earlier)
                    && !is_in_hand(&taken)
            });
            assert_eq!(skipped, None, "handed out behind {position}");
        }
        let many = taken.len();
        self.out.extend(taken.into_iter().map(|delivery| (session, delivery)));
        many
    }

    fn settle(&mut self, which: usize, verdict: Verdict) {
        if self.out.is_empty() {
            return;
        }
        let (_, delivery) = self.out.remove(which % self.out.len());
        let position = delivery.lease.words[0];
        assert_eq!(settle(&mut self.window, &self.log, delivery, verdict), SettleResult::Settled);
        if verdict == Verdict::Done {
            self.done.push(position);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Arrive(key) => {
                let message = Message::new("x");
                self.log.messages.push_back(match key {
                    Some(key) => message.with_key(vec![*key]),
                    None => message,
                });
                self.window.open += 1;
            }
            Step::Take { member, messages } => {
                let session = self.members[member % self.members.len()];
                self.take(session, *messages);
            }
            Step::Done(which) => self.settle(*which, Verdict::Done),
            Step::Release(which) => self.settle(*which, Verdict::Release),
            Step::Join if self.members.len() < 3 => {
                self.next += 1;
                self.members.push(self.next);
                self.window.shared_by(self.members.len(), &self.log);
            }
            Step::Leave(member) if self.members.len() > 1 => {
                let session = self.members.remove(member % self.members.len());
                self.out.retain(|(by, _)| *by != session);
                self.window.end(session, &self.log);
                self.window.shared_by(self.members.len(), &self.log);
            }
            Step::Join | Step::Leave(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn no_two_members_have_a_key_its_order_is_kept_and_everything_is_handed_out_once(
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let (window, log) = (window(0), log(0));
        let mut model = Model { window, log, members: vec![1], next: 1, out: Vec::new(), done: Vec::new() };
        for step in &steps {
            model.step(step);
        }
        // Any one member gets the rest when the others have nothing in hand.
        while !model.out.is_empty() {
            model.settle(0, Verdict::Done);
        }
        let session = model.members[0];
        while model.take(session, 2) > 0 {
            model.settle(0, Verdict::Done);
            model.settle(0, Verdict::Done);
        }
        model.done.sort_unstable();
        prop_assert_eq!(model.done, (0..model.log.end()).collect::<Vec<_>>());
        prop_assert_eq!((model.window.open, model.window.low), (0, model.log.end()));
    }
}
