//! The way from publishers to the connection, which is made later than they are.

use crate::contract::Publish;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

pub(crate) struct Link {
    state: watch::Sender<State>,
    published: AtomicU64,
    failed: AtomicU64,
}

enum State {
    Waiting,
    Open(Arc<dyn Publish>),
    Closed,
}

impl Link {
    pub(crate) fn new() -> Self {
        let state = watch::Sender::new(State::Waiting);
        Self { state, published: AtomicU64::new(0), failed: AtomicU64::new(0) }
    }

    pub(crate) fn open(&self, publish: Arc<dyn Publish>) {
        self.state.send_replace(State::Open(publish));
    }

    pub(crate) fn close(&self) {
        self.state.send_replace(State::Closed);
    }

    pub(super) fn count(&self, is_published: bool) {
        let counter = if is_published { &self.published } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages publishers have published, confirmed.
    pub(crate) fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    /// How many the broker did not take.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// What comes of the connection, where it is there by now. It is borrowed: counting who uses it costs something for
    /// each message.
    #[inline]
    pub(super) fn now<T>(&self, with: impl FnOnce(&dyn Publish) -> T) -> Option<T> {
        match &*self.state.borrow() {
            State::Open(publish) => Some(with(&**publish)),
            State::Waiting | State::Closed => None,
        }
    }

    /// `None` after the stop.
    pub(super) async fn ready(&self) -> Option<Arc<dyn Publish>> {
        if let State::Open(publish) = &*self.state.borrow() {
            return Some(publish.clone());
        }
        let mut state = self.state.subscribe();
        match &*state.wait_for(|state| !matches!(state, State::Waiting)).await.ok()? {
            State::Open(publish) => Some(publish.clone()),
            State::Waiting | State::Closed => None,
        }
    }
}
