//! Lanes that a broker takes away.

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::collections::HashSet;
use std::sync::PoisonError;

/// Lanes that were taken away. The adapter writes it, even from a callback; the pipeline reads it before each start (one
/// load while nothing is revoked) and releases what it has not started.
#[derive(Debug, Default)]
pub struct Lanes {
    any: AtomicBool,
    gone: Mutex<HashSet<u32>>,
}

impl Lanes {
    /// Takes a lane away for ever.
    pub fn revoke(&self, lane: u32) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).insert(lane);
        self.any.store(true, Ordering::Release);
    }

    /// Whether it was taken away.
    #[inline]
    pub fn is_gone(&self, lane: u32) -> bool {
        self.any.load(Ordering::Acquire) && self.look(lane)
    }

    #[cold]
    fn look(&self, lane: u32) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains(&lane)
    }
}
