//! What the tests share: a journal, and the words of errors and panics.

use crate::time::pass;
use modi_core::Result;
use modi_core::scope::panic_text;
use std::error::Error;
use std::iter::successors;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What happened, in order. A test gives it to the module that it starts, as a value.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    /// Writes one line.
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }

    /// Takes out the lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a constructor does that takes some time.
pub(crate) async fn work(millis: u64) {
    pass(Duration::from_millis(millis)).await;
}

/// An error and its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    successors(Some(error), |&error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What becomes of `work`: its success, its error and the causes, or its panic.
pub(crate) async fn outcome_of<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> String {
    match tokio::spawn(work).await {
        Ok(Ok(_)) => "ok".to_owned(),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => format!("panic: {}", panic_text(&*panic.into_panic())),
    }
}
