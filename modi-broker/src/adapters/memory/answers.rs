//! What settling several deliveries came to.

use crate::contract::{SettleResult, Settled};

/// The answers to some settlements: a list only where they differ.
#[derive(Default)]
pub(super) struct Answers {
    first: Option<SettleResult>,
    many: usize,
    each: Vec<SettleResult>,
}

impl Answers {
    #[inline]
    pub(super) fn push(&mut self, result: SettleResult) {
        let first = *self.first.get_or_insert(result);
        if first != result && self.each.is_empty() {
            self.each = vec![first; self.many];
        }
        if first != result || !self.each.is_empty() {
            self.each.push(result);
        }
        self.many += 1;
    }

    /// The same, so often.
    pub(super) fn push_many(&mut self, result: SettleResult, many: usize) {
        if self.many == 0 && many > 0 {
            (self.first, self.many) = (Some(result), many);
        } else {
            (0..many).for_each(|_| self.push(result));
        }
    }

    pub(super) fn into_settled(self) -> Settled {
        if self.each.is_empty() {
            Settled::All(self.first.unwrap_or(SettleResult::Settled))
        } else {
            Settled::Each(self.each)
        }
    }
}
