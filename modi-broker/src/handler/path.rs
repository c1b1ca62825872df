//! What the placeholders of a topic stand for, as an argument.

use crate::contract::{Captures, Pattern};
use crate::{Attempt, FromMessage};
use modi_core::{BoxError, Error, Module};
use std::str::FromStr;

/// What the placeholders of the subscriber's topic stand for, in their order.
///
/// `T` is a `String`, a number, a `bool` or a `char` for one placeholder, and a tuple for several; in a tuple, which may
/// also have one part, is any type with [`FromStr`]. As many values as placeholders: anything else does not compile.
/// What cannot be read goes to the dead letters at once.
///
/// ```
/// use modi_broker::Path;
///
/// /// `#[subscriber("logs.{level}")]`
/// async fn logged(Path(level): Path<String>) {}
///
/// /// `#[subscriber("shops.{shop}.orders.{order}")]`
/// async fn ordered(Path((shop, order)): Path<(String, u64)>) {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path<T>(pub T);

/// What [`Path`] holds.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not stand for the placeholders of a topic",
    label = "write `Path<String>`, a number, or a tuple of types with `FromStr`: `Path<({Self},)>`"
)]
pub trait FromPath: Sized {
    /// How many placeholders it stands for.
    const PLACES: usize;

    /// Reads it from the values of the placeholders.
    ///
    /// # Errors
    ///
    /// A value that cannot be read.
    fn from_path(values: &mut Captures<'_, '_>) -> Result<Self, PathError>;
}

/// Why a topic is not what the handler's [`Path`] takes. Trying again cannot mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The topic does not match the subscriber's pattern.
    #[error("the topic `{topic}` does not match `{pattern}`")]
    Mismatch {
        /// Where the message came from.
        topic: String,
        /// What the subscriber listens to.
        pattern: String,
    },
    /// A part of the topic cannot be read.
    #[error("a part of the topic is not a `{wanted}`")]
    Value {
        /// The type.
        wanted: &'static str,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

fn value<T: FromStr<Err: Into<BoxError>>>(values: &mut Captures<'_, '_>) -> Result<T, PathError> {
    // The compiler has counted the values.
    let value = values.next().unwrap_or_default();
    value.parse().map_err(|error: T::Err| PathError::Value { wanted: std::any::type_name::<T>(), source: error.into() })
}

macro_rules! one {
    ($($type:ty)*) => {$(
        impl FromPath for $type {
            const PLACES: usize = 1;

            fn from_path(values: &mut Captures<'_, '_>) -> Result<Self, PathError> {
                value(values)
            }
        }
    )*};
}
one!(String bool char u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

macro_rules! several {
    ($count:literal: $($part:ident)*) => {
        impl<$($part: FromStr<Err: Into<BoxError>>),*> FromPath for ($($part,)*) {
            const PLACES: usize = $count;

            fn from_path(values: &mut Captures<'_, '_>) -> Result<Self, PathError> {
                Ok(($(value::<$part>(values)?,)*))
            }
        }
    };
}
several!(1: A);
several!(2: A B);
several!(3: A B C);
several!(4: A B C D);
several!(5: A B C D E);
several!(6: A B C D E F);

impl<M: Module, T: FromPath + Send> FromMessage<M> for Path<T> {
    const PLACES: Option<usize> = Some(T::PLACES);

    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        let (topic, pattern) = (attempt.topic(), &*attempt.about.topic);
        let mismatch = || PathError::Mismatch { topic: topic.to_owned(), pattern: pattern.to_owned() };
        // A constant says that it is a pattern, as the compiler has found.
        let values = Pattern::parse(pattern).ok().and_then(|pattern| pattern.captures(topic));
        let read = values.ok_or_else(mismatch).and_then(|mut values| T::from_path(&mut values));
        read.map(Self).map_err(Error::reject)
    }
}
