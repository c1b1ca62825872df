//! Who waits for an answer, by the address that the question carries.

use super::hash::Fast;
use crate::{BrokerError, BrokerErrorKind, Message};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

#[derive(Default)]
pub(super) struct Replies(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    by_number: HashMap<u64, oneshot::Sender<Message>, Fast>,
    last: u64,
}

/// One answer that is waited for; dropping it ends that.
pub(super) struct Expected {
    number: u64,
    answer: oneshot::Receiver<Message>,
    of: Arc<Replies>,
}

const PREFIX: &str = "reply.";

impl Replies {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn expect(self: &Arc<Self>) -> Expected {
        let mut waiting = self.lock();
        waiting.last += 1;
        let number = waiting.last;
        let (sender, answer) = oneshot::channel();
        waiting.by_number.insert(number, sender);
        Expected { number, answer, of: self.clone() }
    }

    /// Nobody waits for a late answer any more: it is dropped.
    pub(super) fn answer(&self, address: &str, message: Message) {
        let number = address.strip_prefix(PREFIX).and_then(|number| number.parse().ok());
        if let Some(sender) = number.and_then(|number: u64| self.lock().by_number.remove(&number)) {
            let _late = sender.send(message);
        }
    }

    /// No answer comes any more.
    pub(super) fn clear(&self) {
        self.lock().by_number.clear();
    }
}

impl Expected {
    pub(super) fn address(&self) -> String {
        format!("{PREFIX}{}", self.number)
    }

    pub(super) async fn wait(mut self) -> Result<Message, BrokerError> {
        (&mut self.answer).await.map_err(|_closed| {
            let text = "the broker stopped before an answer came";
            BrokerError::new(BrokerErrorKind::Unavailable, text)
        })
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.of.lock().by_number.remove(&self.number);
    }
}
