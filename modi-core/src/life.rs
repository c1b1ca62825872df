//! The one way to stop: every signal, failure and request ends in the same token.

use crate::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
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
///
/// [`App::run`](crate::App::run) listens itself; this is for programs that start and stop an application by hand.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on: the process is not ended by them any more.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    #[cfg(unix)]
    pub fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one, and names it.
    #[cfg(unix)]
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupt",
            _ = self.terminate.recv() => "terminate",
        }
    }

    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(unix))]
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one, and names it.
    #[cfg(not(unix))]
    pub async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "ctrl-c"
    }
}

/// Turns the first signal into a stop, and ends the process at the second one; once the guard is gone, at any.
///
/// On a thread of its own: where every worker is blocked, or the runtime waits for one that is, nobody else would hear the
/// second signal.
pub(crate) fn stop_on_signals(stop: Stop) -> Result<Listening> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    let ended = Arc::new(AtomicBool::new(false));
    let listening = Listening(ended.clone());
    let listen = async move {
        let signal = signals.next().await;
        if !ended.load(Ordering::Acquire) {
            tracing::info!(signal, "stopping");
            stop.stop();
            signals.next().await;
        }
        tracing::error!("ended by a second signal, without draining");
        std::process::exit(130);
    };
    std::thread::Builder::new().name("modi-signals".to_owned()).spawn(move || runtime.block_on(listen))?;
    Ok(listening)
}

/// While it lives, a first signal is a request to stop.
pub(crate) struct Listening(Arc<AtomicBool>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
