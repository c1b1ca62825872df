//! How a subscriber's run comes to its end, and what becomes of the subscriber then.

use super::backoff::OUTAGE;
use crate::BrokerError;
use modi_core::Error;
use std::time::Duration;

/// Why a run ended. Whoever supervises the subscriber reads it.
#[derive(Debug)]
pub(crate) enum Exit {
    /// It was told to.
    Stopped,
    /// The broker can never go on: a permanent error of the intake, or a dead letter that it can never take.
    Failed(BrokerError),
    /// A failure for which the subscriber's policy says more than a dead letter. Its message stays with the broker.
    GaveUp { then: Then, error: Error },
}

/// What a policy wants of the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It stays ended until somebody starts it; the application goes on, and is not ready.
    Stop,
    /// It begins again after a while, on a new subscription.
    Restart,
    /// The application stops with the error.
    StopApp,
}

/// How long a subscriber waits before it begins again, after so many failures in a row.
pub(crate) fn wait_before_restart(failures: u32) -> Duration {
    OUTAGE.wait(failures)
}

impl From<BrokerError> for Exit {
    fn from(error: BrokerError) -> Self {
        Self::Failed(error)
    }
}
