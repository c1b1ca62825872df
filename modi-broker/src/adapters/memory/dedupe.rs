//! Ids that were seen lately: of several messages with one id, one is kept.

use super::hash::Fast;
use crate::contract::Receipt;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

pub(super) struct Seen {
    window: Duration,
    receipts: HashMap<Bytes, Receipt, Fast>,
    order: VecDeque<(Instant, Bytes)>,
}

impl Seen {
    pub(super) fn new(window: Duration) -> Self {
        Self { window, receipts: HashMap::default(), order: VecDeque::new() }
    }

    /// The receipt of the message that had this id.
    pub(super) fn find(&mut self, id: &Bytes) -> Option<Receipt> {
        while let Some((at, old)) = self.order.front()
            && at.elapsed() >= self.window
        {
            self.receipts.remove(old);
            self.order.pop_front();
        }
        self.receipts.get(id).map(|receipt| Receipt { duplicate: true, ..receipt.clone() })
    }

    pub(super) fn add(&mut self, id: Bytes, receipt: &Receipt) {
        self.order.push_back((Instant::now(), id.clone()));
        self.receipts.insert(id, receipt.clone());
    }
}
