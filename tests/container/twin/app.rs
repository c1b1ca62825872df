//! What both halves share: the plain types and traits of the application, which the container knows nothing about.

use modi_core::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The module's own value.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) url: String,
    /// Told where the application hangs, when that was asked for.
    pub(crate) hanging: Arc<Notify>,
}

impl Settings {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), hanging: Arc::new(Notify::new()) }
    }

    /// The trouble that a test asks for by the URL: `"<place> fails"`, `"<place> panics"` or `"<place> hangs"`.
    pub(crate) async fn trouble(&self, place: &str) -> Result {
        match self.url.strip_prefix(place) {
            Some(" fails") => Err(Error::new(format!("{place} failed as asked"))),
            Some(" panics") => panic!("{place} panicked as asked"),
            Some(" hangs") => {
                self.hanging.notify_one();
                std::future::pending().await
            }
            _ => Ok(()),
        }
    }
}

/// What happened, in order. To the container this is a type of another crate: only a function can provide it.
pub(crate) type Journal = Mutex<Vec<String>>;

/// Writes one line.
pub(crate) fn note(journal: &Journal, line: impl Into<String>) {
    journal.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
}

/// Takes out the lines so far.
pub(crate) fn lines(journal: &Journal) -> Vec<String> {
    std::mem::take(&mut *journal.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(crate) trait Clock: Send + Sync {
    fn now(&self) -> usize;
}

/// Always the same time.
pub(crate) struct Fixed(pub(crate) usize);

impl Clock for Fixed {
    fn now(&self) -> usize {
        self.0
    }
}

pub(crate) trait Health: Send + Sync {
    fn part(&self) -> &'static str;
}

pub(crate) trait Mailer: Send + Sync {
    fn send(&self, text: &str);
}

/// What a repository holds.
pub(crate) struct User;

/// Nobody provides it.
pub(crate) struct Audit;
