//! What the application saw of each message: a middleware sees every call, a hook every failed attempt.

use modi::{Call, Failed, Middleware, Next, Outcome, Reply};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// What is known of each message, by its id. It outlives the application.
#[derive(Clone)]
pub(crate) struct Ledger {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
    changed: watch::Sender<()>,
}

/// What is known of one message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// How often its handler was called.
    pub(crate) calls: u32,
    /// How often that succeeded.
    pub(crate) handled: u32,
    /// Why its handler ignored it, each time.
    pub(crate) dropped: Vec<String>,
    /// The last failure of those for which nothing is tried again.
    pub(crate) gave_up: Option<String>,
}

/// The middleware.
pub(crate) struct Seen(pub(crate) Ledger);

impl Default for Ledger {
    fn default() -> Self {
        Self { entries: Arc::default(), changed: watch::Sender::new(()) }
    }
}

impl Ledger {
    pub(crate) fn entry(&self, id: &str) -> Entry {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned().unwrap_or_default()
    }

    fn change(&self, id: Option<&str>, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        change(entries.entry(id.unwrap_or_default().to_owned()).or_default());
        drop(entries);
        self.changed.send_replace(());
    }

    /// Waits until a handler was called so often for a message.
    pub(crate) async fn until_called(&self, id: &str, times: u32) {
        let mut changed = self.changed.subscribe();
        // The ledger keeps the other end open, so the wait ends with the call.
        let _open = changed.wait_for(|()| self.entry(id).calls >= times).await;
    }

    /// The hook: it changes nothing.
    pub(crate) fn failed(&self, failed: &Failed<'_>) -> Option<Outcome> {
        if !failed.has_retries() {
            let error = format!("{:#}", failed.error());
            self.change(failed.message().id(), |entry| entry.gave_up = Some(error));
        }
        None
    }
}

impl Middleware for Seen {
    async fn handle(&self, call: &Call<'_>, next: Next<'_>) -> modi::Result<Reply> {
        let Self(ledger) = self;
        let id = call.message().id();
        ledger.change(id, |entry| entry.calls += 1);
        let reply = next.run().await?;
        match reply.outcome() {
            Outcome::Ack => ledger.change(id, |entry| entry.handled += 1),
            Outcome::Drop { reason } => ledger.change(id, |entry| entry.dropped.push(reason.to_string())),
            _ => {}
        }
        Ok(reply)
    }
}
