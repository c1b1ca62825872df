//! Errors that say themselves how they want to be treated, in what a handler returns.
//!
//! Every error converts into [`Error`], so its own word is not part of that conversion. The code that `#[subscriber]` writes
//! knows the handler's type, and asks here: the compiler takes [`Classified`] where the type of the error has a word of its
//! own, and [`Unclassified`], which is one reference further away, where it has none.

use crate::HandlerError;
use modi_core::{Classify, Error};

/// What a handler returned.
#[derive(Debug)]
pub struct Returned<'a, R>(pub &'a R);

/// The error classifies itself.
#[derive(Debug)]
pub struct ByItself;

/// The error is tried again, or says otherwise as an [`Error`] does. Also for what is no `Result`.
#[derive(Debug)]
pub struct ByDefault;

/// Of a `Result` whose error classifies itself.
pub trait Classified {
    /// Says so.
    fn how(&self) -> ByItself {
        ByItself
    }
}

/// Of everything else.
pub trait Unclassified {
    /// Says so.
    fn how(&self) -> ByDefault {
        ByDefault
    }
}

impl<T, E: Classify> Classified for Returned<'_, Result<T, E>> {}
impl<R> Unclassified for &Returned<'_, R> {}

impl ByItself {
    /// Takes the error out, with its advice.
    ///
    /// # Errors
    ///
    /// The handler's.
    #[inline]
    pub fn finish<T, E: Classify + HandlerError>(self, reply: Result<T, E>) -> Result<Result<T, E>, Error> {
        reply.map(Ok).map_err(|error| {
            let advice = error.advice();
            error.into_error().with_advice(advice)
        })
    }
}

impl ByDefault {
    /// Changes nothing.
    ///
    /// # Errors
    ///
    /// None.
    #[inline]
    pub fn finish<R>(self, reply: R) -> Result<R, Error> {
        Ok(reply)
    }
}
