//! Why the broker layer did not start, or stopped the application.

use crate::BrokerError;
use modi_core::BoxError;

/// Why the broker layer did not start, or stopped the application.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokersError {
    /// The subscribers and the brokers do not fit together; every problem is listed.
    #[error("the subscribers and their brokers do not fit together:{}", lines(.0))]
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
    /// The topics and dead-letter places of a broker can be neither looked at nor made.
    #[error("the topics of the broker `{scheme}` cannot be provided")]
    Provision {
        /// The kind of broker.
        scheme: &'static str,
        /// The cause.
        #[source]
        source: BrokerError,
    },
    /// Several things failed at once; each is listed with its causes.
    #[error("several things cannot start:{}", lines(&chains(.0)))]
    Several(Vec<Self>),
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

impl BrokersError {
    /// None, one, or all of them as one.
    pub(crate) fn all(mut errors: Vec<Self>, problems: Vec<String>) -> Result<(), Self> {
        if !problems.is_empty() {
            errors.push(Self::Setup(problems));
        }
        match errors.len() {
            0 | 1 => errors.pop().map_or(Ok(()), Err),
            _ => Err(Self::Several(errors)),
        }
    }
}

fn chains(errors: &[BrokersError]) -> Vec<String> {
    let chain = |error: &BrokersError| {
        let mut text = error.to_string();
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        text
    };
    errors.iter().map(chain).collect()
}

fn lines(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
