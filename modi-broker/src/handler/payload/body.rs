//! The codec that the message declares.

use super::{PayloadError, argument, is_msgpack, json, msgpack};
use crate::Message;
use serde::de::DeserializeOwned;

/// A payload in the format that the message declares: JSON, also where it declares none, or MessagePack with the feature
/// `msgpack`. An argument only: what a handler returns says its format itself.
///
/// Any other content type goes to the dead letters at once, and so does what cannot be decoded. `Option<Body<_>>` is `None`
/// for a message without a payload.
///
/// ```
/// use modi_broker::{Body, Json};
///
/// async fn doubled(Body(number): Body<u32>) -> Json<u32> {
///     Json(number * 2)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Body<T>(pub T);

/// Decodes a payload that must be there, by what it declares.
pub(crate) fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, PayloadError> {
    match message.content_type() {
        Some(found) if is_msgpack(found) => msgpack::decode(message),
        Some(found) if !json::is_json(found) => {
            Err(PayloadError::ContentType { found: found.to_owned(), wanted: "JSON or MessagePack" })
        }
        _ => json::decode(message),
    }
}

argument!(Body: DeserializeOwned);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_taken_declared_and_undeclared_and_anything_else_is_refused() {
        let declared = |content_type| decode::<u32>(&Message::new("7").with_content_type(content_type));
        assert!(matches!(decode::<u32>(&Message::new("7")), Ok(7)));
        assert!(matches!(declared("application/json"), Ok(7)));
        assert!(matches!(declared("text/plain"), Err(PayloadError::ContentType { .. })));
        assert!(matches!(decode::<u32>(&Message::tombstone()), Err(PayloadError::Absent)));
    }
}
