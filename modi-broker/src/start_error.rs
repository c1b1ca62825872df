//! Why the broker layer did not start, or stopped the application.

use crate::BrokerError;
use modi_core::BoxError;

/// Why the broker layer did not start, or stopped the application.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokersError {
    /// The subscribers and the brokers do not fit together; every problem is listed.
    #[error("the subscribers do not fit together:{}", lines(.0))]
    Setup(Vec<String>),
    /// A broker cannot be connected.
    #[error("the broker `{scheme}` cannot be connected")]
    Connect {
        /// The kind of broker.
        scheme: &'static str,
        /// The cause.
        #[source]
        source: BrokerError,
    },
    /// A subscriber cannot join.
    #[error("`{subscriber}` cannot subscribe")]
    Subscribe {
        /// The subscriber.
        subscriber: String,
        /// The cause.
        #[source]
        source: BrokerError,
    },
    /// A subscriber cannot go on.
    #[error("`{subscriber}` cannot go on")]
    Failed {
        /// The subscriber.
        subscriber: String,
        /// The cause: a [`BrokerError`], or the failure that its policy stops for.
        #[source]
        source: BoxError,
    },
    /// A subscriber panicked outside of its handler.
    #[error("`{subscriber}` panicked outside of its handler: {message}")]
    Panicked {
        /// The subscriber.
        subscriber: String,
        /// What the panic said.
        message: String,
    },
}

fn lines(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
