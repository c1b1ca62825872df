//! Which message may start: the oldest whose key nobody runs.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};

/// What was received and has not started. A key is taken from the moment that its first message may start until that one
/// is [done](Schedule::done); the others of the key wait in a list behind it, all lists in one vector that is used again.
/// Two keys with one hash share their order, which is slower and not wrong.
pub(super) struct Schedule<T> {
    ready: VecDeque<Entered<T>>,
    taken: HashMap<u64, List, Hashed>,
    nodes: Vec<Node<T>>,
    free: u32,
    arrived: u64,
}

/// A message with its key, in the order of arrival.
pub(super) struct Entered<T> {
    pub(super) arrival: u64,
    pub(super) key: Option<u64>,
    pub(super) item: T,
}

struct Node<T> {
    entered: Option<Entered<T>>,
    next: u32,
}

#[derive(Clone, Copy)]
struct List {
    first: u32,
    last: u32,
}

const NIL: u32 = u32::MAX;
const EMPTY: List = List { first: NIL, last: NIL };

impl<T> Schedule<T> {
    pub(super) fn new() -> Self {
        Self { ready: VecDeque::new(), taken: HashMap::default(), nodes: Vec::new(), free: NIL, arrived: 0 }
    }

    /// Takes a message in; without a key it waits for nobody.
    pub(super) fn push(&mut self, key: Option<u64>, item: T) {
        self.arrived += 1;
        self.enter(Entered { arrival: self.arrived, key, item });
    }

    fn enter(&mut self, entered: Entered<T>) {
        match entered.key.map(|key| self.taken.entry(key)) {
            None => self.ready.push_back(entered),
            Some(Entry::Vacant(free)) => {
                free.insert(EMPTY);
                self.ready.push_back(entered);
            }
            Some(Entry::Occupied(mut list)) => {
                let node = Node { entered: Some(entered), next: NIL };
                let at = if let Some(slot) = self.nodes.get_mut(self.free as usize) {
                    let at = std::mem::replace(&mut self.free, slot.next);
                    *slot = node;
                    at
                } else {
                    self.nodes.push(node);
                    self.nodes.len() as u32 - 1
                };
                let List { first, last } = list.get_mut();
                if *first == NIL {
                    *first = at;
                } else {
                    self.nodes[*last as usize].next = at;
                }
                *last = at;
            }
        }
    }

    /// The next message to start.
    pub(super) fn pop(&mut self) -> Option<Entered<T>> {
        self.ready.pop_front()
    }

    /// The message with this key that had started has ended: the next one of the key may start, after those that may
    /// already.
    pub(super) fn done(&mut self, key: Option<u64>) {
        if let Some(key) = key
            && let Some(next) = self.next_of(key)
        {
            self.ready.push_back(next);
        }
    }

    fn next_of(&mut self, key: u64) -> Option<Entered<T>> {
        let Entry::Occupied(mut list) = self.taken.entry(key) else { return None };
        let at = list.get().first;
        let Some(node) = self.nodes.get_mut(at as usize) else {
            list.remove();
            return None;
        };
        list.get_mut().first = node.next;
        node.next = self.free;
        self.free = at;
        node.entered.take()
    }

    /// Takes back what had started and has not ended; its key was not [done](Schedule::done). It starts before others.
    #[cold]
    pub(super) fn resume(&mut self, mut back: Vec<Entered<T>>) {
        back.sort_unstable_by_key(|entered| entered.arrival);
        back.into_iter().rev().for_each(|entered| self.rejoin(entered, false));
    }

    /// Takes back what had started and is done all the same: each is the next one of its key that starts.
    #[cold]
    pub(super) fn put_first(&mut self, mut back: Vec<Entered<T>>) {
        back.sort_unstable_by_key(|entered| entered.arrival);
        for entered in back.into_iter().rev() {
            let is_ready = self.ready.iter().any(|other| other.key == entered.key);
            let runs = !is_ready && entered.key.is_some_and(|key| self.taken.contains_key(&key));
            self.rejoin(entered, runs);
        }
    }

    /// Brings a key into the order of arrival. One that runs keeps what waits behind it; of another the first is ready.
    fn rejoin(&mut self, entered: Entered<T>, runs: bool) {
        let Some(key) = entered.key else { return self.ready.push_front(entered) };
        let ready = self.ready.iter().position(|other| other.key == Some(key));
        let mut all: Vec<_> = ready.and_then(|at| self.ready.remove(at)).into_iter().chain([entered]).collect();
        all.extend(std::iter::from_fn(|| self.next_of(key)));
        all.sort_unstable_by_key(|entered| entered.arrival);
        let mut all = all.into_iter();
        if !runs {
            self.ready.extend(all.next());
            self.ready.rotate_right(1);
        }
        self.taken.insert(key, EMPTY);
        all.for_each(|entered| self.enter(entered));
    }

    /// Takes back what had started, done or not, and puts everything into the order of arrival. Nothing may run.
    #[cold]
    pub(super) fn restore(&mut self, back: Vec<Entered<T>>) {
        let keys: Vec<_> = back.iter().filter_map(|entered| entered.key).collect();
        let mut all = back;
        for key in keys {
            while let Some(next) = self.next_of(key) {
                all.push(next);
            }
        }
        all.extend(self.drain_idle());
        all.sort_unstable_by_key(|entered| entered.arrival);
        all.into_iter().for_each(|entered| self.enter(entered));
    }

    /// Takes out, in the order of arrival, everything that waits for nothing that runs.
    pub(super) fn take_idle(&mut self) -> Vec<T> {
        self.drain_idle().into_iter().map(|entered| entered.item).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    fn drain_idle(&mut self) -> Vec<Entered<T>> {
        let mut idle = Vec::new();
        while let Some(first) = self.ready.pop_front() {
            let key = first.key;
            idle.push(first);
            while let Some(key) = key
                && let Some(next) = self.next_of(key)
            {
                idle.push(next);
            }
        }
        idle.sort_unstable_by_key(|entered| entered.arrival);
        idle
    }
}

/// The keys are hashes already, or numbers of lanes.
#[derive(Clone, Copy, Default)]
struct Hashed;
struct Spread(u64);

impl BuildHasher for Hashed {
    type Hasher = Spread;
    fn build_hasher(&self) -> Spread {
        Spread(0)
    }
}

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Arrive(Option<u64>),
        /// One of those that run ends.
        End(usize),
        /// One of those that run is kept, or is done and a suspect.
        Keep(usize),
        Suspect(usize),
        /// Kept ones and suspects come back.
        Recover,
        Drain,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => prop::option::weighted(0.9, 0..4_u64).prop_map(Step::Arrive),
            5 => (0..64_usize).prop_map(Step::End),
            1 => (0..64_usize).prop_map(Step::Keep),
            1 => (0..64_usize).prop_map(Step::Suspect),
            1 => Just(Step::Recover),
            1 => Just(Step::Drain),
        ]
    }

    /// Slots that run what the schedule says, and what a schedule without lists would know.
    struct Model {
        schedule: Schedule<u64>,
        slots: usize,
        /// With the arrival that the schedule gave it.
        running: Vec<(Option<u64>, u64, u64)>,
        waiting: Vec<(Option<u64>, u64)>,
        kept: Vec<Entered<u64>>,
        suspects: Vec<Entered<u64>>,
        arrived: u64,
        /// The next that start, after an outage: what came back, in the order of arrival.
        first: VecDeque<u64>,
        /// As many waited at once.
        most: usize,
        /// For each that may start, how many may start before it: those that could when it became one of them.
        before: HashMap<u64, usize>,
    }

    impl Model {
        fn may_start(&self, (key, number): (Option<u64>, u64)) -> bool {
            key.is_none()
                || (self.running.iter().all(|(other, _, _)| *other != key)
                    && self.kept.iter().all(|kept| kept.key != key)
                    && self.waiting.iter().all(|(other, earlier)| *other != key || *earlier >= number))
        }

        fn fill(&mut self) {
            while self.running.len() < self.slots
                && let Some(Entered { key, item, arrival }) = self.schedule.pop()
            {
                assert!(self.may_start((key, item)), "{item} of {key:?} starts before its turn");
                assert_eq!(self.first.pop_front().unwrap_or(item), item, "it came back, and others start first");
                self.waiting.retain(|(_, other)| *other != item);
                self.before.remove(&item);
                self.running.push((key, item, arrival));
                for (other, before) in &mut self.before {
                    assert!(*before > 0, "{other} is passed by by {item}");
                    *before -= 1;
                }
            }
            let startable: Vec<_> = self.waiting.iter().copied().filter(|one| self.may_start(*one)).collect();
            assert!(self.running.len() == self.slots || startable.is_empty(), "a slot idles beside {startable:?}");
            for (_, number) in &startable {
                self.before.entry(*number).or_insert(startable.len() - 1);
            }
            self.most = self.most.max(self.waiting.len());
            assert!(self.schedule.nodes.len() <= self.most, "lists are not used again");
            let keys = self.running.iter().filter(|(key, ..)| key.is_some()).count() + self.kept.len();
            assert!(self.schedule.taken.len() <= keys + self.schedule.ready.len(), "a key is never free again");
        }

        fn stop(&mut self, which: usize) -> Entered<u64> {
            let (key, item, arrival) = self.running.swap_remove(which % self.running.len());
            Entered { arrival, key, item }
        }

        fn take(&mut self, step: &Step) {
            match step {
                Step::Arrive(key) => {
                    self.schedule.push(*key, self.arrived);
                    self.waiting.push((*key, self.arrived));
                    self.arrived += 1;
                }
                Step::End(which) if !self.running.is_empty() => {
                    let ended = self.stop(*which);
                    self.schedule.done(ended.key);
                }
                Step::Keep(which) if !self.running.is_empty() => {
                    let kept = self.stop(*which);
                    self.kept.push(kept);
                }
                Step::Suspect(which) if !self.running.is_empty() => {
                    let suspect = self.stop(*which);
                    self.schedule.done(suspect.key);
                    self.suspects.push(suspect);
                }
                Step::End(_) | Step::Keep(_) | Step::Suspect(_) => {}
                Step::Recover => {
                    self.waiting.extend(self.kept.iter().chain(&self.suspects).map(|back| (back.key, back.item)));
                    self.waiting.sort_unstable_by_key(|(_, number)| *number);
                    self.before.clear();
                    self.most = self.most.max(self.waiting.len());
                    let (kept, suspects) = (std::mem::take(&mut self.kept), std::mem::take(&mut self.suspects));
                    self.first.clear();
                    if suspects.is_empty() && !self.running.is_empty() {
                        let mut order: Vec<_> = kept.iter().map(|kept| (kept.item, kept.key)).collect();
                        order.sort_unstable();
                        // A suspect of its key that came back before has arrived earlier.
                        let of_key = |key| self.waiting.iter().find(|(other, _)| *other == key).map(|(_, item)| *item);
                        let first = order.into_iter().map(|(item, key)| key.and(of_key(key)).unwrap_or(item));
                        self.first.extend(first);
                    }
                    if self.running.is_empty() {
                        self.schedule.restore(kept.into_iter().chain(suspects).collect());
                    } else {
                        self.schedule.resume(kept);
                        self.schedule.put_first(suspects);
                    }
                }
                Step::Drain => {
                    let behind = |key: Option<u64>| {
                        let runs = self.running.iter().any(|(other, _, _)| *other == key);
                        key.is_some() && (runs || self.kept.iter().any(|kept| kept.key == key))
                    };
                    let (stay, go): (Vec<_>, Vec<_>) = self.waiting.iter().partition(|(key, _)| behind(*key));
                    let numbers: Vec<u64> = go.iter().map(|(_, number)| *number).collect();
                    assert_eq!(self.schedule.take_idle(), numbers, "in the order of arrival");
                    self.waiting = stay;
                    self.first.clear();
                    self.before.clear();
                }
            }
        }
    }

    proptest! {
        #[test]
        fn keys_keep_their_order_slots_never_idle_and_nothing_starves(
            slots in 1..6_usize,
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let (running, waiting) = (Vec::new(), Vec::new());
            let (schedule, kept, suspects, before) = (Schedule::new(), Vec::new(), Vec::new(), HashMap::new());
            let (arrived, first, most) = (0, VecDeque::new(), 0);
            let mut model =
                Model { schedule, slots, running, waiting, kept, suspects, arrived, first, most, before };
            for step in &steps {
                model.take(step);
                model.fill();
            }
            // Everything comes to an end, and no list is left.
            model.take(&Step::Recover);
            model.fill();
            while !model.running.is_empty() {
                model.take(&Step::End(0));
                model.fill();
            }
            prop_assert!(model.waiting.is_empty());
            prop_assert!(model.schedule.taken.is_empty());
        }
    }
}
