//! Futures that run side by side in one task, each in a place that is used again.

use crate::sync::AtomicWaker;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// At most so many futures, of which only those are polled that were woken. A new one takes the place of an old one:
/// nothing is allocated for it.
pub(super) struct Slots<F, T> {
    slots: Vec<Slot<F, T>>,
    idle: Vec<usize>,
    woken: Arc<Woken>,
    /// Woken, and not yet looked at in this round.
    round: Vec<u64>,
}

struct Slot<F, T> {
    future: Pin<Box<Option<F>>>,
    tag: Option<T>,
    waker: Waker,
}

/// One bit a slot.
struct Woken {
    bits: Vec<AtomicU64>,
    task: AtomicWaker,
}

struct SlotWaker {
    woken: Arc<Woken>,
    at: usize,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.mark(self.at);
        self.woken.task.wake();
    }
}

impl Woken {
    fn mark(&self, at: usize) {
        self.bits[at / 64].fetch_or(1 << (at % 64), Ordering::AcqRel);
    }
}

impl<F: Future, T> Slots<F, T> {
    pub(super) fn new(many: usize) -> Self {
        let words = many.div_ceil(64);
        let bits = (0..words).map(|_| AtomicU64::new(0)).collect();
        let woken = Arc::new(Woken { bits, task: AtomicWaker::new() });
        let slot = |at| Slot {
            future: Box::pin(None),
            tag: None,
            waker: Arc::new(SlotWaker { woken: woken.clone(), at }).into(),
        };
        let slots = (0..many).map(slot).collect();
        Self { slots, idle: (0..many).rev().collect(), woken, round: vec![0; words] }
    }

    pub(super) fn has_room(&self) -> bool {
        !self.idle.is_empty()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.idle.len() == self.slots.len()
    }

    /// Makes a future in a free slot. The tag comes back with its output. Without room nothing is made: see
    /// [`Slots::has_room`].
    #[inline]
    pub(super) fn start(&mut self, make: impl FnOnce() -> F, tag: T) {
        debug_assert!(self.has_room());
        if let Some(at) = self.idle.pop() {
            let slot = &mut self.slots[at];
            slot.future.as_mut().set(Some(make()));
            slot.tag = Some(tag);
            self.round[at / 64] |= 1 << (at % 64);
        }
    }

    /// Looks at all of them at the next poll, woken or not.
    pub(super) fn look_at_all(&mut self) {
        for (word, bits) in self.round.iter_mut().enumerate() {
            let left = self.slots.len() - word * 64;
            *bits = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
        }
    }

    /// The task that is woken with any of them from now on: once for each turn of it, before the first [`Slots::next`].
    pub(super) fn register(&self, task: &Waker) {
        self.woken.task.register(task);
    }

    /// The next that has finished, with its tag. Each woken future is polled once; what wakes itself is polled at the
    /// next turn of the task.
    pub(super) fn next(&mut self) -> Option<(F::Output, T)> {
        for (bits, woken) in self.round.iter_mut().zip(&self.woken.bits) {
            if woken.load(Ordering::Relaxed) != 0 {
                *bits |= woken.swap(0, Ordering::AcqRel);
            }
        }
        for word in 0..self.round.len() {
            while self.round[word] != 0 {
                let at = word * 64 + self.round[word].trailing_zeros() as usize;
                self.round[word] &= self.round[word] - 1;
                if let Some(finished) = self.poll_slot(at) {
                    return Some(finished);
                }
            }
        }
        None
    }

    fn poll_slot(&mut self, at: usize) -> Option<(F::Output, T)> {
        let Slot { future, tag, waker } = &mut self.slots[at];
        let running = future.as_mut().as_pin_mut()?;
        let Poll::Ready(output) = running.poll(&mut Context::from_waker(waker)) else { return None };
        future.as_mut().set(None);
        self.idle.push(at);
        tag.take().map(|tag| (output, tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::sync::oneshot;

    #[test]
    fn only_what_was_woken_is_polled_again() {
        let mut slots = Slots::new(130);
        let polls: Vec<_> = (0..130).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let mut sends = Vec::new();
        for (at, count) in polls.iter().enumerate() {
            let (send, mut receive) = oneshot::channel::<()>();
            let count = count.clone();
            let future = poll_fn(move |cx| {
                count.fetch_add(1, Ordering::Relaxed);
                Pin::new(&mut receive).poll(cx)
            });
            slots.start(|| future, at);
            sends.push(send);
        }
        assert!(slots.next().is_none() && !slots.has_room());
        for at in [129, 64, 0] {
            drop(sends.remove(at));
            let Some((_, tag)) = slots.next() else { panic!("{at} was woken") };
            assert_eq!(tag, at);
        }
        let polled: u64 = polls.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        assert_eq!((polled, slots.idle.len()), (133, 3));
        slots.look_at_all();
        assert!(slots.next().is_none());
        let polled: u64 = polls.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        assert_eq!(polled, 260);
    }

    #[test]
    fn a_future_that_wakes_itself_does_not_hold_the_task() {
        let mut slots = Slots::new(1);
        let future = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        slots.start(|| future, ());
        assert!(slots.next().is_none());
    }
}
