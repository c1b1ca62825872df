//! The messages of a topic or partition, by position, and how many of them one call may hand out.

use crate::Message;
use crate::contract::Credit;
use std::collections::VecDeque;

/// Positions count from the first message that there ever was.
#[derive(Default)]
pub(super) struct Log {
    /// The position of the first message that is held.
    pub(super) base: u64,
    pub(super) messages: VecDeque<Message>,
}

impl Log {
    /// The position that the next message gets.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.base + self.messages.len() as u64
    }

    /// What is at a position that is held.
    #[inline]
    pub(super) fn at(&self, position: u64) -> &Message {
        &self.messages[(position - self.base) as usize]
    }

    /// Drops what lies below, and says how many that were.
    pub(super) fn trim(&mut self, low: u64) -> usize {
        let many = low.saturating_sub(self.base) as usize;
        self.messages.drain(..many);
        self.base += many as u64;
        many
    }
}

/// What one call may still hand out.
pub(super) struct Budget {
    messages: usize,
    bytes: usize,
    is_whole: bool,
}

impl Budget {
    pub(super) fn new(credit: Credit) -> Self {
        Self { messages: credit.messages, bytes: credit.bytes, is_whole: true }
    }

    /// Whether the message may be handed out; the first one may have any size.
    #[inline]
    pub(super) fn admits(&mut self, message: &Message) -> bool {
        let size = message.payload().map_or(0, bytes::Bytes::len);
        if self.messages == 0 || (size > self.bytes && !self.is_whole) {
            return false;
        }
        self.messages -= 1;
        self.bytes = self.bytes.saturating_sub(size);
        self.is_whole = false;
        true
    }

    /// Whether nothing was handed out.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(credit: Credit, sizes: &[usize]) -> Vec<bool> {
        let mut budget = Budget::new(credit);
        sizes.iter().map(|size| budget.admits(&Message::new(vec![0; *size]))).collect()
    }

    #[test]
    fn bytes_and_messages_are_bounded_but_for_one_message() {
        assert_eq!(admitted(Credit { messages: 3, bytes: 10 }, &[4, 6, 1]), [true, true, false]);
        assert_eq!(admitted(Credit { messages: 2, bytes: 10 }, &[1, 1, 1]), [true, true, false]);
        assert_eq!(admitted(Credit { messages: 2, bytes: 10 }, &[99, 0, 0]), [true, true, false]);
        assert_eq!(admitted(Credit { messages: 2, bytes: 0 }, &[99, 1]), [true, false]);
        assert_eq!(admitted(Credit { messages: 0, bytes: 10 }, &[1]), [false]);
    }
}
