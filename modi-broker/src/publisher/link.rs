//! The way from publishers to the connection, which is made later than they are.

use crate::contract::Publish;
use std::sync::Arc;
use tokio::sync::watch;

pub(crate) struct Link(watch::Sender<State>);

enum State {
    Waiting,
    Open(Arc<dyn Publish>),
    Closed,
}

impl Link {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State::Waiting))
    }

    pub(crate) fn open(&self, publish: Arc<dyn Publish>) {
        self.0.send_replace(State::Open(publish));
    }

    pub(crate) fn close(&self) {
        self.0.send_replace(State::Closed);
    }

    /// `None` after the stop.
    pub(super) async fn ready(&self) -> Option<Arc<dyn Publish>> {
        if let State::Open(publish) = &*self.0.borrow() {
            return Some(publish.clone());
        }
        let mut state = self.0.subscribe();
        match &*state.wait_for(|state| !matches!(state, State::Waiting)).await.ok()? {
            State::Open(publish) => Some(publish.clone()),
            State::Waiting | State::Closed => None,
        }
    }
}
