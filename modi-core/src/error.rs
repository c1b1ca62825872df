//! The one error type of an application's own code: a cause, and what to do about it.

use std::any::type_name;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Any error that can cross threads.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The result of `main`, of constructors, hooks and handlers: `Result<(), Error>` unless written otherwise.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What a handler, a constructor or a hook ends in when it fails.
///
/// Every [`std::error::Error`] converts into it with `?`. Such an error is *retried*; [`Error::reject`] and
/// [`Error::retry_after`] say otherwise.
///
/// ```
/// use modi_core::{Advice, Error};
///
/// fn quantity(text: &str) -> Result<u32, Error> {
///     text.parse().map_err(Error::reject) // the same bytes will never parse
/// }
/// assert_eq!(quantity("two").unwrap_err().advice(), Advice::Reject);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    source: BoxError,
    advice: Advice,
    type_name: &'static str,
}

/// How the sender of an error wants it treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Try again, as the retry policy says. The default.
    Retry,
    /// Try again, not before this has passed.
    RetryAfter(Duration),
    /// It can never succeed.
    Reject,
}

/// An error that says itself how it wants to be treated.
///
/// It counts where a handler's own result has this type, and where [`Error::classified`] makes an [`Error`] of it. The `?` of
/// a function that returns [`Error`] does not ask: it takes every error, and what it takes is retried.
///
/// ```
/// use modi_core::{Advice, Classify, Error};
/// use std::time::Duration;
///
/// #[derive(Debug, thiserror::Error)]
/// enum OrderError {
///     #[error("the order has no items")]
///     Empty,
///     #[error("the shop is closed")]
///     Closed,
/// }
///
/// impl Classify for OrderError {
///     fn advice(&self) -> Advice {
///         match self {
///             Self::Empty => Advice::Reject,
///             Self::Closed => Advice::RetryAfter(Duration::from_secs(3_600)),
///         }
///     }
/// }
///
/// /// As a handler's result: nothing else is to be written.
/// async fn order_created() -> Result<(), OrderError> {
///     Err(OrderError::Empty)
/// }
///
/// /// Through `?` into another error type.
/// fn place(order: Result<u32, OrderError>) -> Result<u32, Error> {
///     Ok(order.map_err(Error::classified)? + 1)
/// }
/// assert_eq!(place(Err(OrderError::Empty)).unwrap_err().advice(), Advice::Reject);
/// ```
pub trait Classify {
    /// How it wants to be treated.
    fn advice(&self) -> Advice;
}

impl Error {
    /// An error that is retried, from a cause or a text.
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self::with(source, Advice::Retry)
    }

    /// An error that trying again cannot mend: the message goes to the dead letters at once.
    pub fn reject(source: impl Into<BoxError>) -> Self {
        Self::with(source, Advice::Reject)
    }

    /// An error that is worth another try once `after` has passed.
    pub fn retry_after(after: Duration, source: impl Into<BoxError>) -> Self {
        Self::with(source, Advice::RetryAfter(after))
    }

    /// An error that is treated as it says itself.
    pub fn classified<E: Classify + Into<BoxError>>(source: E) -> Self {
        let advice = source.advice();
        Self::with(source, advice)
    }

    /// The same error, treated in another way.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> Self {
        self.0.advice = advice;
        self
    }

    fn with<S: Into<BoxError>>(source: S, advice: Advice) -> Self {
        Self(Box::new(Inner { source: source.into(), advice, type_name: type_name::<S>() }))
    }

    /// How the sender wants it treated.
    pub fn advice(&self) -> Advice {
        self.0.advice
    }

    /// The cause.
    pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0.source
    }

    /// The type of the cause, as the compiler calls it; `None` for a text, and for a cause whose type was not known any more.
    /// It is meant for people: a compiler may call it something else.
    ///
    /// ```
    /// use modi_core::Error;
    ///
    /// assert_eq!(Error::from(std::fmt::Error).type_name(), Some("core::fmt::Error"));
    /// assert_eq!(Error::new("a text").type_name(), None);
    /// ```
    pub fn type_name(&self) -> Option<&'static str> {
        let name = self.0.type_name;
        let unknown = [type_name::<&str>(), type_name::<String>(), type_name::<Cow<'_, str>>()];
        let erased = [type_name::<BoxError>(), type_name::<Self>()];
        (!unknown.contains(&name) && !erased.contains(&name)).then_some(name)
    }

    /// The cause and what lies below it, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(&*self.0.source);
        std::iter::from_fn(move || {
            let error = next?;
            next = error.source();
            Some(error)
        })
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(source: E) -> Self {
        Self::new(source)
    }
}

impl From<Error> for BoxError {
    fn from(error: Error) -> Self {
        error.0.source
    }
}

/// The cause alone; with `{:#}` the whole chain, parted by colons.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return self.0.source.fmt(f);
        }
        for (depth, error) in self.chain().enumerate() {
            if depth > 0 {
                f.write_str(": ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// Written for people, since `main` prints it: the error, then a line for each cause.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.source)?;
        for cause in self.chain().skip(1) {
            write!(f, "\n  caused by: {cause}")?;
        }
        Ok(())
    }
}
