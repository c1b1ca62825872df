//! A failed attempt, as a hook sees it that may choose what follows.

use crate::dead_letter::FailureKind;
use crate::handler::About;
use crate::{Message, Outcome};
use modi_core::Error;
use std::fmt;
use std::sync::Arc;

/// A failed attempt: what [`Spec::on_error`](crate::Spec::on_error) and [`AppExt::on_error`](crate::AppExt::on_error) are
/// given.
///
/// ```
/// use modi_broker::{Failed, FailureKind, Outcome};
/// use std::time::Duration;
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the customer is gone")]
/// struct Gone;
///
/// fn judge(failed: &Failed<'_>) -> Option<Outcome> {
///     if failed.error().get_ref().is::<Gone>() {
///         return Some(Outcome::drop("there is nobody to write to"));
///     }
///     match failed.kind() {
///         FailureKind::Deadline => Some(Outcome::retry_after(Duration::from_secs(60))),
///         _ => None, // as it would be without this function
///     }
/// }
/// ```
pub struct Failed<'a> {
    pub(crate) error: &'a Error,
    pub(crate) kind: FailureKind,
    pub(crate) attempt: u32,
    pub(crate) has_retries: bool,
    pub(crate) message: &'a Message,
    pub(crate) about: &'a About,
}

/// A function that may choose what follows a failed attempt.
pub(crate) type Hook = fn(&Failed<'_>) -> Option<Outcome>;
/// The application's.
pub(crate) type SharedHook = Arc<dyn Fn(&Failed<'_>) -> Option<Outcome> + Send + Sync>;

impl Failed<'_> {
    /// What the handler returned, or what a panic or a missed deadline came to.
    pub fn error(&self) -> &Error {
        self.error
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Which attempt it was, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the message is tried again, in place or later, unless the hook says otherwise.
    pub fn has_retries(&self) -> bool {
        self.has_retries
    }

    /// The message: its key, its headers, its payload.
    pub fn message(&self) -> &Message {
        self.message
    }

    /// The topic that the message came from.
    pub fn topic(&self) -> &str {
        self.message.topic().unwrap_or(&self.about.topic)
    }

    /// The group that could not handle it.
    pub fn group(&self) -> &str {
        &self.about.group
    }

    /// The handler that could not, as `Module::handler`.
    pub fn subscriber(&self) -> &str {
        &self.about.name
    }
}

impl fmt::Debug for Failed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failed")
            .field("subscriber", &self.about.name)
            .field("topic", &self.topic())
            .field("kind", &self.kind)
            .field("attempt", &self.attempt)
            .field("has_retries", &self.has_retries)
            .field("error", &format_args!("{}", self.error))
            .field("message", self.message)
            .finish()
    }
}
