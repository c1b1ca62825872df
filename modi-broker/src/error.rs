//! What brokers answer when they cannot, and what publishing comes to.

use crate::PayloadError;
use modi_core::BoxError;
use std::fmt;
use std::time::Duration;

/// Why a broker could not do something.
///
/// ```
/// use modi_broker::{BrokerError, BrokerErrorKind};
///
/// let error = BrokerError::new(BrokerErrorKind::Full, "topic `orders` is full");
/// assert_eq!(error.kind(), BrokerErrorKind::Full);
/// assert!(!error.is_permanent());
/// ```
pub struct BrokerError {
    kind: BrokerErrorKind,
    text: String,
    source: Option<BoxError>,
}

/// The kinds of [`BrokerError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokerErrorKind {
    /// Not now: the broker is away, or a confirmation was lost. Trying again may help.
    Unavailable,
    /// There was no room within the deadline. Trying again may help.
    Full,
    /// No answer came in time; the question may be handled all the same. Trying again may help.
    TimedOut,
    /// Nobody listens who could answer. Trying again may help.
    NoListener,
    /// The message is larger than the broker takes, however often it is sent.
    TooLarge,
    /// The broker refuses: rights, names, settings that do not fit.
    Refused,
    /// The broker has no such ability.
    Unsupported,
    /// The connection was closed by this side.
    Closed,
}

impl BrokerError {
    /// An error without a cause. The text names the thing in backticks and holds no secret.
    pub fn new(kind: BrokerErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), source: None }
    }

    /// The same with what lies below it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of error it is.
    pub fn kind(&self) -> BrokerErrorKind {
        self.kind
    }

    /// Whether trying again is of no use.
    pub fn is_permanent(&self) -> bool {
        !matches!(
            self.kind,
            BrokerErrorKind::Unavailable
                | BrokerErrorKind::Full
                | BrokerErrorKind::TimedOut
                | BrokerErrorKind::NoListener
        )
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerError")
            .field("kind", &self.kind)
            .field("text", &self.text)
            .field("source", &self.source)
            .finish()
    }
}

impl std::error::Error for BrokerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

/// Why a message was not published, or not known to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The value cannot be encoded.
    #[error("the message for `{topic}` cannot be encoded")]
    Encode {
        /// Where it was to go.
        topic: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// A topic has a name.
    #[error("could not publish: the topic has no name")]
    NoTopic,
    /// The broker did not take it.
    #[error("could not publish to `{topic}`")]
    Broker {
        /// Where it was to go.
        topic: String,
        /// The cause.
        #[source]
        source: BrokerError,
    },
    /// Nobody answered in time.
    #[error("nobody answered `{topic}` within {within:?}")]
    NoAnswer {
        /// Where it was asked.
        topic: String,
        /// How long the answer was waited for.
        within: Duration,
    },
    /// The answer is not what was expected.
    #[error("the answer of `{topic}` cannot be decoded")]
    Answer {
        /// Where it was asked.
        topic: String,
        /// The cause.
        #[source]
        source: PayloadError,
    },
    /// A [`Middleware`](crate::Middleware) did not let it pass.
    #[error("could not publish to `{topic}`: it was refused")]
    Refused {
        /// Where it was to go.
        topic: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The application has stopped.
    #[error("could not publish to `{topic}`: the application has stopped")]
    Stopped {
        /// Where it was to go.
        topic: String,
    },
    /// No broker has this name.
    #[error("there is no broker named `{name}`: add it with `.named_broker(\"{name}\", ..)`")]
    UnknownBroker {
        /// The name.
        name: String,
    },
}
