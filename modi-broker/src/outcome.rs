//! What a handler may say about its message.

use std::borrow::Cow;
use std::time::Duration;

/// What becomes of a message. Most handlers return a `Result` instead and never name one.
///
/// ```
/// use modi_broker::Outcome;
///
/// async fn order_created(quantity: u32) -> Outcome {
///     if quantity == 0 { Outcome::reject("an order of nothing") } else { Outcome::Ack }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Ack,
    /// It failed: try again, as the retry policy says but not before `after` has passed. Counts as an attempt.
    Retry {
        /// The shortest wait.
        after: Option<Duration>,
    },
    /// It will never succeed: it goes to the dead-letter topic.
    Reject {
        /// Why; the dead letter says it.
        reason: Cow<'static, str>,
    },
    /// It was not processed, and comes again to this group. Does not count as an attempt.
    Release,
    /// It is ignored on purpose, and counted.
    Drop {
        /// Why; the log says it.
        reason: Cow<'static, str>,
    },
}

impl Outcome {
    /// Try again, as the retry policy says.
    pub const fn retry() -> Self {
        Self::Retry { after: None }
    }

    /// Try again, not before `after` has passed.
    pub const fn retry_after(after: Duration) -> Self {
        Self::Retry { after: Some(after) }
    }

    /// It will never succeed.
    pub fn reject(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Reject { reason: reason.into() }
    }

    /// Ignore it.
    pub fn drop(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Drop { reason: reason.into() }
    }
}
