//! The payload as an argument: decoded, or as it is.

use crate::{Attempt, FromMessage, Message};
use bytes::Bytes;
use modi_core::{Error, Module};
use serde::de::DeserializeOwned;

/// A payload as JSON: an argument of a handler, and a result that is published.
///
/// Refuses a message that declares another content type and accepts one that declares none. What cannot be decoded goes
/// to the dead letters at once. `Option<Json<_>>` is `None` for a message without a payload.
///
/// ```
/// use modi_broker::Json;
///
/// async fn doubled(Json(number): Json<u32>) -> Json<u32> {
///     Json(number * 2)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json<T>(pub T);

/// Why a payload is not what the handler takes. Trying again cannot mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// There is none.
    #[error("the message has no payload: take an `Option<_>` if that is meant")]
    Absent,
    /// The message says that it is something else.
    #[error("the message declares the content type `{found}`, and the handler takes {wanted}")]
    ContentType {
        /// What it declares.
        found: String,
        /// What the handler takes.
        wanted: &'static str,
    },
    /// It is not this type as JSON.
    #[error("the payload is not a `{wanted}` as JSON")]
    Json {
        /// The type.
        wanted: &'static str,
        /// The cause.
        #[source]
        source: JsonError,
    },
    /// It is not text.
    #[error("the payload is not UTF-8")]
    Text(#[source] std::string::FromUtf8Error),
}

/// What is wrong with some JSON, and where, without the values that are in it: they may be secret, and errors end in logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

impl From<&serde_json::Error> for JsonError {
    fn from(error: &serde_json::Error) -> Self {
        let mut text = error.to_string();
        // `invalid type: string "hunter2", expected u64`: what is quoted before `expected` comes from the payload.
        if let Some(expected) = text.rfind(", expected")
            && let Some(quoted) = text[..expected].find(['"', '`'])
        {
            let before = text[..quoted].trim_end().len();
            text.replace_range(before..expected, "");
        }
        Self(text)
    }
}

/// Decodes a payload that must be there.
pub(crate) fn decode_json<T: DeserializeOwned>(message: &Message) -> Result<T, PayloadError> {
    if let Some(found) = message.content_type()
        && !is_json(found)
    {
        return Err(PayloadError::ContentType { found: found.to_owned(), wanted: "JSON" });
    }
    let payload = message.payload().ok_or(PayloadError::Absent)?;
    let wanted = std::any::type_name::<T>();
    serde_json::from_slice(payload).map_err(|error| PayloadError::Json { wanted, source: (&error).into() })
}

/// `application/json`, `text/json` and everything that ends in `+json`; parameters and capitals do not matter.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is = |wanted: &str| essence.eq_ignore_ascii_case(wanted);
    let suffix = essence.len().checked_sub("+json".len()).and_then(|at| essence.get(at..));
    is("application/json") || is("text/json") || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
}

fn payload(message: &Message) -> Result<&Bytes, Error> {
    message.payload().ok_or_else(|| Error::reject(PayloadError::Absent))
}

fn text(payload: &Bytes) -> Result<String, Error> {
    String::from_utf8(payload.to_vec()).map_err(|error| Error::reject(PayloadError::Text(error)))
}

impl<M: Module, T: DeserializeOwned + Send> FromMessage<M> for Json<T> {
    #[inline]
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        decode_json(attempt.message).map(Self).map_err(Error::reject)
    }
}

impl<M: Module, T: DeserializeOwned + Send> FromMessage<M> for Option<Json<T>> {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        attempt.message.payload().is_some().then(|| Json::take(attempt)).transpose()
    }
}

impl<M: Module> FromMessage<M> for Bytes {
    #[inline]
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        payload(attempt.message).cloned()
    }
}

impl<M: Module> FromMessage<M> for Option<Bytes> {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        Ok(attempt.message.payload().cloned())
    }
}

impl<M: Module> FromMessage<M> for String {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        text(payload(attempt.message)?)
    }
}

impl<M: Module> FromMessage<M> for Option<String> {
    fn take(attempt: &Attempt<'_, M>) -> Result<Self, Error> {
        attempt.message.payload().map(text).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    enum Colour {
        Red,
    }

    fn said<T: for<'de> Deserialize<'de>>(json: &str) -> String {
        serde_json::from_str::<T>(json).err().map(|error| JsonError::from(&error).to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_said_without_the_values() {
        assert_eq!(said::<u64>("\"hunter2\""), "invalid type: string, expected u64 at line 1 column 9");
        assert_eq!(said::<u8>("4711"), "invalid value: integer, expected u8 at line 1 column 4");
        assert_eq!(said::<Colour>("\"hunter2, expected\""), "unknown variant, expected `Red` at line 1 column 19");
        assert_eq!(said::<(u8, u8)>("[1]"), "invalid length 1, expected a tuple of size 2 at line 1 column 3");
    }

    #[test]
    fn json_is_known_by_its_content_types() {
        for yes in ["application/json", "Application/JSON; charset=utf-8", "text/json", "application/order+json"] {
            assert!(is_json(yes), "{yes}");
        }
        for no in ["text/plain", "application/jsonx", "json", "", "application/xml;+json"] {
            assert!(!is_json(no), "{no}");
        }
    }

    #[test]
    fn another_declared_content_type_is_refused_and_none_is_accepted() {
        let declared = decode_json::<u32>(&Message::new("7").with_content_type("text/plain"));
        assert!(matches!(declared, Err(PayloadError::ContentType { .. })));
        assert!(matches!(decode_json::<u32>(&Message::new("7")), Ok(7)));
        assert!(matches!(decode_json::<u32>(&Message::tombstone()), Err(PayloadError::Absent)));
    }
}
