//! The one way to stop: every signal, failure and request ends in the same token.

use crate::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Stops the application that it belongs to. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    token: CancellationToken,
    first: Arc<Mutex<Option<Error>>>,
}

impl Stop {
    /// Asks for an orderly stop.
    pub fn stop(&self) {
        self.token.cancel();
    }

    /// Asks for an orderly stop because of an error. The first error is what `run` returns; later ones are logged.
    pub fn fail(&self, error: Error) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        match &*first {
            None => *first = Some(error),
            Some(_) => {
                tracing::error!(error = format!("{error:#}"), "the application is stopping, and this failed too")
            }
        }
        self.token.cancel();
    }

    /// Whether a stop was asked for.
    pub fn is_stopped(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until a stop is asked for.
    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    /// What it stopped for.
    pub(crate) fn outcome(&self) -> Result {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

/// The signals that ask a process to end: interrupt and terminate, or ctrl-c where there are no signals.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupt",
            _ = self.terminate.recv() => "terminate",
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "ctrl-c"
    }
}
