//! What every handler does with a message, whichever subject calls it, and who waits for the last one.

use super::order::{DIGITS, FIRST, Order};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::Notify;

/// Adds up, and knows which messages came.
#[derive(Debug)]
pub struct Ledger {
    messages: u64,
    total: AtomicU64,
    count: AtomicU64,
    twice: AtomicU64,
    seen: Vec<AtomicU64>,
    done: Notify,
    more: Notify,
}

/// So many messages pass before somebody reads the metrics again: far more often than anybody does.
pub const SCRAPED: u64 = 1_024;

impl Ledger {
    /// For so many messages.
    pub fn new(messages: u64) -> Self {
        Self {
            messages,
            total: AtomicU64::new(0),
            count: AtomicU64::new(0),
            twice: AtomicU64::new(0),
            seen: (0..=messages / 64).map(|_| AtomicU64::new(0)).collect(),
            done: Notify::new(),
            more: Notify::new(),
        }
    }

    /// Handles an order.
    #[inline]
    pub fn order(&self, order: &Order) {
        self.total.fetch_add(u64::from(order.quantity), Relaxed);
        self.mark(order.id - FIRST);
    }

    /// Handles a body that is not decoded, but for its number.
    #[inline]
    pub fn body(&self, body: &[u8]) {
        self.total.fetch_add(body.len() as u64, Relaxed);
        self.mark(body[DIGITS].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')) - FIRST);
    }

    #[inline]
    fn mark(&self, number: u64) {
        let bit = 1 << (number % 64);
        if self.seen[(number / 64) as usize].fetch_or(bit, Relaxed) & bit != 0 {
            self.twice.fetch_add(1, Relaxed);
        }
        let count = self.count.fetch_add(1, Relaxed) + 1;
        if count.is_multiple_of(SCRAPED) {
            self.more.notify_one();
        }
        if count == self.messages {
            self.done.notify_one();
        }
    }

    /// Waits for the last message.
    pub async fn done(&self) {
        while self.count.load(Relaxed) < self.messages {
            self.done.notified().await;
        }
    }

    /// Waits for as many messages as pass before the metrics are read again.
    pub async fn more(&self) {
        self.more.notified().await;
    }

    /// Every message came once.
    pub fn is_whole(&self) -> bool {
        let seen: u32 = self.seen.iter().map(|word| word.load(Relaxed).count_ones()).sum();
        u64::from(seen) == self.messages && self.twice.load(Relaxed) == 0 && self.count.load(Relaxed) == self.messages
    }
}
