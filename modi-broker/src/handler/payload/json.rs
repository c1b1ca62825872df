//! JSON.

use super::{DecodeError, PayloadError, argument, is_one_of, published};
use crate::{IntoMessage, Message};
use modi_core::Error;
use serde::Serialize;
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

/// Decodes a payload that must be there.
pub(crate) fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, PayloadError> {
    if let Some(found) = message.content_type()
        && !is_json(found)
    {
        return Err(PayloadError::ContentType { found: found.to_owned(), wanted: "JSON" });
    }
    let payload = message.payload().ok_or(PayloadError::Absent)?;
    serde_json::from_slice(payload)
        .map_err(|error| PayloadError::malformed::<T>("JSON", DecodeError::of_serde(error.to_string())))
}

/// `application/json`, `text/json` and everything that ends in `+json`.
pub(super) fn is_json(content_type: &str) -> bool {
    is_one_of(content_type, &["application/json", "text/json"], "json")
}

argument!(Json: DeserializeOwned);
published!(Json<T>, T: Serialize);

impl<T: Serialize> IntoMessage for Json<T> {
    fn into_message(self) -> Result<Message, Error> {
        Message::json(&self.0).map_err(Error::reject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let declared = decode::<u32>(&Message::new("7").with_content_type("text/plain"));
        assert!(matches!(declared, Err(PayloadError::ContentType { .. })));
        assert!(matches!(decode::<u32>(&Message::new("7")), Ok(7)));
        assert!(matches!(decode::<u32>(&Message::tombstone()), Err(PayloadError::Absent)));
    }
}
