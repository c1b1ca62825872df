//! What is finished of a lane whose messages end in any order: how far it may be committed.

use std::collections::VecDeque;

/// Offsets enter in order, with holes between them, and finish in any order. Everything below
/// [`Offsets::finished_below`] is finished, and it never goes back: it is the lowest offset that is unfinished, or the one
/// behind the last when all are finished.
///
/// One word an offset, from the lowest unfinished one on; the lowest bit tells whether it is finished.
#[derive(Debug)]
pub(crate) struct Offsets {
    words: VecDeque<u64>,
    /// The ticket of the first word.
    first: u64,
    below: u64,
    /// Behind the last that entered.
    end: u64,
}

const FINISHED: u64 = 1;

impl Offsets {
    /// A lane that is read from this offset on.
    pub(crate) fn new(start: u64) -> Self {
        Self { words: VecDeque::new(), first: 0, below: start, end: start }
    }

    /// An offset above all that entered before. The ticket finishes it.
    #[inline]
    pub(crate) fn enter(&mut self, offset: u64) -> u64 {
        debug_assert!(offset >= self.end, "offset {offset} enters behind {}", self.end);
        if self.words.is_empty() {
            self.below = offset;
        }
        self.end = offset + 1;
        self.words.push_back(offset << 1);
        self.first + self.words.len() as u64 - 1
    }

    /// Whether it was unfinished until now.
    #[inline]
    pub(crate) fn finish(&mut self, ticket: u64) -> bool {
        let word = ticket.checked_sub(self.first).and_then(|at| self.words.get_mut(at as usize));
        let Some(word) = word.filter(|word| **word & FINISHED == 0) else { return false };
        *word |= FINISHED;
        while self.words.front().is_some_and(|word| word & FINISHED != 0) {
            self.words.pop_front();
            self.first += 1;
        }
        self.below = self.words.front().map_or(self.end, |word| word >> 1);
        true
    }

    /// Everything below is finished, and nothing unfinished entered below.
    pub(crate) fn finished_below(&self) -> u64 {
        self.below
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_hole_is_no_unfinished_work() {
        let mut offsets = Offsets::new(7);
        assert_eq!(offsets.finished_below(), 7);
        let tickets: Vec<_> = [10, 11, 20].into_iter().map(|offset| offsets.enter(offset)).collect();
        assert!(offsets.finish(tickets[1]));
        assert_eq!(offsets.finished_below(), 10);
        assert!(offsets.finish(tickets[0]));
        assert_eq!(offsets.finished_below(), 20);
        assert!(offsets.finish(tickets[2]));
        assert_eq!(offsets.finished_below(), 21);
        assert!(!offsets.finish(tickets[2]) && !offsets.finish(99), "finished once, or never entered");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Enter { hole: u64 },
        Finish(usize),
        FinishAgain(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0..4_u64).prop_map(|hole| Step::Enter { hole }),
            3 => (0..64_usize).prop_map(Step::Finish),
            1 => (0..64_usize).prop_map(Step::FinishAgain),
        ]
    }

    proptest! {
        #[test]
        fn it_never_passes_unfinished_work_never_goes_back_and_ends_behind_all(
            start in 0..5_u64,
            steps in prop::collection::vec(step(), 0..300),
        ) {
            let mut offsets = Offsets::new(start);
            let (mut open, mut done): (Vec<(u64, u64)>, Vec<u64>) = (Vec::new(), Vec::new());
            let (mut end, mut before) = (start, start);
            for step in steps {
                match step {
                    Step::Enter { hole } => {
                        open.push((end + hole, offsets.enter(end + hole)));
                        end += hole + 1;
                    }
                    Step::Finish(which) if !open.is_empty() => {
                        let (_, ticket) = open.remove(which % open.len());
                        prop_assert!(offsets.finish(ticket));
                        done.push(ticket);
                    }
                    Step::FinishAgain(which) if !done.is_empty() => {
                        prop_assert!(!offsets.finish(done[which % done.len()]));
                    }
                    Step::Finish(_) | Step::FinishAgain(_) => {}
                }
                let below = offsets.finished_below();
                let lowest = open.iter().map(|(offset, _)| *offset).min();
                prop_assert_eq!(below, lowest.unwrap_or(end));
                prop_assert!(below >= before);
                before = below;
                prop_assert!(lowest.is_some() || offsets.words.is_empty(), "nothing is kept of what is finished");
            }
        }
    }
}
