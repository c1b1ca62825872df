//! The trait of handler arguments, and the two moments at which they are taken.

use crate::Attempt;
use modi_core::graph::Key;
use modi_core::{Edge, Error, Module};
use std::fmt;

/// An argument of a handler: a part of the message, or a service of the module.
///
/// Implement it for what your handlers take often; the pipeline calls it. What names no service ([`FromMessage::TO`] is
/// `None`) is taken before the scope of the attempt is open, everything else after.
///
/// ```
/// use modi_broker::{Attempt, FromMessage};
/// use modi_core::{Error, Module};
///
/// struct Tenant(String);
///
/// impl<M: Module> FromMessage<M> for Tenant {
///     fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
///         let tenant = attempt.message().headers().text("tenant");
///         tenant.map(|name| Self(name.to_owned())).ok_or_else(|| Error::reject("no `tenant` header"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an argument of a handler",
    label = "write `Json<_>` for the payload or `Arc<_>` for a service"
)]
pub trait FromMessage<M: Module>: Sized + Send {
    /// The service that it is, or that it needs: an edge of the module's graph.
    const TO: Option<Key> = None;
    /// That service is looked up when it is used.
    const LAZY: bool = false;
    /// It is taken from one message. Services are not, nor what serves any message as well.
    const OF_MESSAGE: bool = Self::TO.is_none();
    /// It is the [`Lease`](crate::Lease): the handler settles its messages itself.
    const BY_HAND: bool = false;
    /// For how many placeholders of the subscriber's topic it stands: see [`Path`](crate::Path).
    const PLACES: Option<usize> = None;

    /// Takes it.
    ///
    /// # Errors
    ///
    /// What the message lacks: [`Error::reject`] where trying again cannot mend it. Or the error of a constructor.
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error>;
}

/// One row of [`Handler::EDGES`](crate::Handler::EDGES).
pub const fn argument<M: Module, A: FromMessage<M>>(name: &'static str) -> Edge {
    Edge { field: name, to: A::TO, lazy: A::LAZY }
}

/// An argument between the two moments: taken already if it is a part of the message, to be taken if it is a service.
/// Which of them it is, is a constant of its type, so nothing is decided while messages run.
pub struct Early<A>(Option<A>);

/// The first moment: before the scope is open.
///
/// # Errors
///
/// As [`FromMessage::take`].
#[inline]
pub fn early<M: Module, A: FromMessage<M>>(attempt: &Attempt<'_, M>) -> Result<Early<A>, Error> {
    Ok(Early(if A::TO.is_none() { Some(A::take(attempt)?) } else { None }))
}

impl<A> Early<A> {
    /// The second moment: the scope is open.
    ///
    /// # Errors
    ///
    /// As [`FromMessage::take`].
    #[inline]
    pub fn finish<M: Module>(self, attempt: &Attempt<'_, M>) -> Result<A, Error>
    where
        A: FromMessage<M>,
    {
        match self.0 {
            Some(taken) => Ok(taken),
            None => A::take(attempt),
        }
    }
}

impl<A> fmt::Debug for Early<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Early(taken)" } else { "Early(to be taken)" })
    }
}
