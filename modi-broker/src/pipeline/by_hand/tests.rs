//! The life of a lease, with everything that may happen to it in any order.

use super::*;
use crate::handler::Left;
use crate::{Lease as UsersLease, Message};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use proptest::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

#[derive(Clone, Debug)]
enum Step {
    Arrive,
    /// The handler takes its lease.
    Take(usize),
    /// A lease is settled, acknowledged with an answer, or dropped.
    Say(usize, Outcome),
    Ack(usize),
    Drop(usize),
    Succeed(usize),
    /// The handler fails, and is called again or not.
    Fail(usize, bool),
    Listen,
    /// What a lease left to the failure path begins its next attempt.
    Again(usize),
    /// The stop does not wait any longer.
    GiveUp,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        Just(Outcome::Ack),
        Just(Outcome::Retry { after: None }),
        Just(Outcome::reject("no")),
        Just(Outcome::Release),
        Just(Outcome::drop("old")),
    ];
    prop_oneof![
        6 => Just(Step::Arrive),
        8 => (0..64_usize).prop_map(Step::Take),
        4 => (0..64_usize, outcome).prop_map(|(which, outcome)| Step::Say(which, outcome)),
        2 => (0..64_usize).prop_map(Step::Ack),
        2 => (0..64_usize).prop_map(Step::Drop),
        5 => (0..64_usize).prop_map(Step::Succeed),
        3 => (0..64_usize, any::<bool>()).prop_map(|(which, again)| Step::Fail(which, again)),
        4 => Just(Step::Listen),
        3 => (0..64_usize).prop_map(Step::Again),
        1 => Just(Step::GiveUp),
    ]
}

/// Where the lease of the attempt in hand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grip {
    New,
    Taken,
    Dropped,
    Said,
}

enum Phase {
    Running(InHand, Box<Room>),
    /// Its handler has returned, and left it to its lease.
    Left,
    Late(InHand),
}

struct Known {
    phase: Phase,
    attempt: u32,
    grip: Grip,
    /// `None` until then.
    end: Option<End>,
    /// Not by its lease, but by the stop.
    given_up: bool,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A loop, its handlers, and users who keep leases.
#[derive(Default)]
struct Model {
    by_hand: ByHand,
    known: Vec<Known>,
    /// With the message and the attempt.
    leases: Vec<(UsersLease, usize, u32)>,
    acks: Vec<(usize, BoxFuture<'static, SettleResult>)>,
    woken: Arc<Woken>,
    unheard: usize,
}

fn pick(of: impl Iterator<Item = usize>, which: usize) -> Option<usize> {
    let all: Vec<_> = of.collect();
    (!all.is_empty()).then(|| all[which % all.len()])
}

impl Model {
    fn in_phase(&self, which: usize, is: impl Fn(&Phase) -> bool) -> Option<usize> {
        pick(self.known.iter().enumerate().filter(|(_, known)| is(&known.phase)).map(|(at, _)| at), which)
    }

    fn running(&self, which: usize) -> Option<usize> {
        self.in_phase(which, |phase| matches!(phase, Phase::Running(..)))
    }

    fn parked(&self) -> usize {
        self.known.iter().filter(|known| matches!(known.phase, Phase::Left) && known.end.is_none()).count()
    }

    fn ended(&mut self, lease: &Lease, end: End) -> usize {
        let at = lease.words[0] as usize;
        let before = self.known[at].end.replace(end);
        assert_eq!(before, None, "message {at} ends twice, at last as {end:?}");
        at
    }

    fn late(&mut self, hand: InHand) {
        let at = hand.lease.as_ref().expect("it keeps its lease").words[0] as usize;
        assert_eq!(self.known[at].end, None, "message {at} has ended");
        self.known[at].phase = Phase::Late(hand);
    }

    /// Takes a lease from its holder. Whether a word of it is going to be heard; nothing is known of one that the
    /// stop has taken its message from.
    fn speak(&mut self, which: usize) -> Option<(UsersLease, usize, Option<bool>)> {
        let at = pick(0..self.leases.len(), which)?;
        let (lease, of, attempt) = self.leases.swap_remove(at);
        let known = &self.known[of];
        let is_current = attempt == known.attempt && !matches!(known.phase, Phase::Late(_));
        let is_good = is_current && known.grip == Grip::Taken && known.end.is_none();
        Some((lease, of, (!known.given_up).then_some(is_good)))
    }

    fn said(&mut self, of: usize, is_good: Option<bool>) {
        if is_good == Some(true) {
            self.known[of].grip = Grip::Said;
            self.unheard += 1;
        }
    }

    fn begin(&mut self, at: usize, mut hand: InHand, renewed: bool) {
        let mut room = Box::<Room>::default();
        self.by_hand.file(&mut hand, &mut room);
        assert!(hand.lease.is_none());
        if renewed {
            room.signals.renew();
        }
        let known = &mut self.known[at];
        (known.phase, known.grip, known.attempt) = (Phase::Running(hand, room), Grip::New, known.attempt + 1);
    }

    fn finish(&mut self, at: usize, succeeded: bool, again: bool) {
        let known = &mut self.known[at];
        let Phase::Running(hand, mut room) = std::mem::replace(&mut known.phase, Phase::Left) else { return };
        let left = room.signals.lease(succeeded);
        let meant = match (known.grip, succeeded) {
            (Grip::Taken, true) => Left::Parked,
            (Grip::Dropped, true) => Left::Dropped,
            (Grip::Said, _) => Left::Settled,
            _ => Left::Free,
        };
        assert_eq!(left, meant, "of message {at}");
        if left == Left::Free && !succeeded && again {
            room.signals.renew();
            (known.phase, known.grip, known.attempt) = (Phase::Running(hand, room), Grip::New, known.attempt + 1);
            return;
        }
        let id = room.signals.let_go().expect("a ticket");
        if matches!(left, Left::Parked | Left::Settled) {
            if let Some((hand, _)) = self.by_hand.park(id, hand) {
                self.late(hand);
            }
            return;
        }
        let end = match left {
            Left::Dropped => End::Released,
            _ if succeeded => End::Acked,
            _ => End::DeadLettered,
        };
        let lease = self.by_hand.take_back(id).expect("it is the pipeline's again");
        assert_eq!(self.ended(&lease, end), at);
    }

    fn listen(&mut self) {
        self.woken.0.store(false, Ordering::Relaxed);
        self.unheard = 0;
        let waker = Waker::from(self.woken.clone());
        for (id, word) in self.by_hand.listen(&mut Context::from_waker(&waker)) {
            match self.by_hand.hear(id, word) {
                None => {}
                Some(Heard::Failed(hand, _)) => self.late(hand),
                Some(Heard::Ended(lease, end, answer)) => {
                    let at = self.ended(&lease, end);
                    if let Some(answer) = answer {
                        assert_eq!(end, End::Acked);
                        answer.send(SettleResult::Settled).expect("somebody waits");
                        let waiting = self.acks.iter().position(|(of, _)| *of == at).expect("it was asked for");
                        let (_, answered) = self.acks.swap_remove(waiting);
                        assert_eq!(answered.now_or_never(), Some(SettleResult::Settled));
                    }
                }
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Arrive => {
                let at = self.known.len();
                let lease = Lease { lane: 0, words: [at as u64, 0] };
                let (origin, message) = (lease.origin(), Message::new(""));
                let hand = InHand { message, number: 1, origin, lease: Some(lease), arrival: at as u64, key: None };
                let (phase, grip, end) = (Phase::Left, Grip::New, None);
                self.known.push(Known { phase, attempt: 0, grip, end, given_up: false });
                self.begin(at, hand, false);
            }
            Step::Take(which) => {
                let Some(at) = self.running(which) else { return };
                let known = &mut self.known[at];
                let Phase::Running(_, room) = &known.phase else { return };
                let lease = UsersLease::of(&room.signals);
                assert_eq!(lease.is_some(), known.grip == Grip::New, "it is taken once");
                if let Some(lease) = lease {
                    known.grip = Grip::Taken;
                    self.leases.push((lease, at, known.attempt));
                }
            }
            Step::Say(which, outcome) => {
                let Some((lease, of, is_good)) = self.speak(which) else { return };
                let was_good = lease.settle(outcome);
                assert_eq!(was_good, is_good.unwrap_or(was_good), "message {of}");
                self.said(of, is_good);
            }
            Step::Ack(which) => {
                let Some((lease, of, is_good)) = self.speak(which) else { return };
                let mut answer = lease.ack().boxed();
                match answer.as_mut().now_or_never() {
                    Some(answer) => assert!(answer == SettleResult::LeaseLost && is_good != Some(true)),
                    None => {
                        assert_ne!(is_good, Some(false), "nobody answers");
                        self.acks.push((of, answer));
                    }
                }
                self.said(of, is_good);
            }
            Step::Drop(which) => {
                let Some((lease, of, is_good)) = self.speak(which) else { return };
                drop(lease);
                match is_good == Some(true) && matches!(self.known[of].phase, Phase::Running(..)) {
                    true => self.known[of].grip = Grip::Dropped,
                    false => self.said(of, is_good),
                }
            }
            Step::Succeed(which) => self.running(which).into_iter().for_each(|at| self.finish(at, true, false)),
            Step::Fail(which, again) => {
                self.running(which).into_iter().for_each(|at| self.finish(at, false, again));
            }
            Step::Listen => self.listen(),
            Step::Again(which) => {
                let late = |phase: &Phase| matches!(phase, Phase::Late(_));
                let Some(at) = self.in_phase(which, late) else { return };
                let phase = std::mem::replace(&mut self.known[at].phase, Phase::Left);
                if let Phase::Late(hand) = phase {
                    self.begin(at, hand, true);
                }
            }
            Step::GiveUp => {
                let leases: Vec<_> = self.by_hand.give_up().collect();
                for lease in leases {
                    let at = self.ended(&lease, End::Released);
                    assert!(matches!(self.known[at].phase, Phase::Left), "the handler of {at} still runs");
                    self.known[at].given_up = true;
                }
                assert_eq!(self.parked(), 0);
            }
        }
    }

    fn check(&self) {
        let open = |known: &&Known| known.end.is_none() && !matches!(known.phase, Phase::Late(_));
        assert_eq!(self.by_hand.len(), self.parked());
        assert_eq!(self.by_hand.held.len(), self.known.iter().filter(open).count(), "held without a need");
        assert!(self.unheard == 0 || self.woken.0.load(Ordering::Relaxed), "the loop sleeps over a word");
    }
}

proptest! {
    #[test]
    fn each_message_ends_once_whatever_its_handlers_and_the_holders_of_its_leases_do(
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut model = Model::default();
        model.listen();
        for step in steps {
            model.take(step);
            model.check();
        }
        // Every handler ends, nobody keeps a lease, and each message has its end.
        while model.known.iter().any(|known| known.end.is_none()) {
            let before = model.leases.len() + model.unheard;
            let runs = |known: &Known| !matches!(known.phase, Phase::Left);
            let running = model.known.iter().filter(|known| runs(known)).count();
            prop_assert!(before + running > 0, "a message is parked for ever");
            model.take(Step::Again(0));
            model.take(Step::Succeed(0));
            (0..model.leases.len()).for_each(|_| model.take(Step::Drop(0)));
            model.listen();
            model.check();
        }
        // Nobody waits for an answer that never comes.
        let Model { by_hand, acks, known, .. } = model;
        drop(by_hand);
        for (of, answer) in acks {
            prop_assert!(known[of].given_up);
            prop_assert_eq!(answer.now_or_never(), Some(SettleResult::LeaseLost));
        }
    }
}

#[test]
fn leases_that_outlive_their_subscriber_are_lost_and_wait_for_nobody() {
    let mut model = Model::default();
    for step in [Step::Arrive, Step::Take(0), Step::Succeed(0), Step::Arrive, Step::Take(0), Step::Succeed(0)] {
        model.take(step);
    }
    let Model { by_hand, mut leases, .. } = model;
    drop(by_hand);
    let (second, first) = (leases.pop().expect("two").0, leases.pop().expect("two").0);
    assert_eq!(first.ack().now_or_never(), Some(SettleResult::LeaseLost));
    assert!(!second.settle(Outcome::Ack));
}
