//! MessagePack.

use super::{DecodeError, PayloadError, argument, is_msgpack, published};
use crate::{IntoMessage, Message};
use modi_core::Error;
use rmp_serde::decode::Error as Wrong;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A payload as MessagePack: an argument of a handler, and a result that is published. With the feature `msgpack`.
///
/// Structs are written as maps with the names of their fields, and read from maps and from arrays. Refuses a message that
/// declares another content type and accepts one that declares none. What cannot be decoded goes to the dead letters at
/// once. `Option<MsgPack<_>>` is `None` for a message without a payload.
///
/// ```
/// use modi_broker::MsgPack;
///
/// async fn doubled(MsgPack(number): MsgPack<u32>) -> MsgPack<u32> {
///     MsgPack(number * 2)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MsgPack<T>(pub T);

pub(super) fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, PayloadError> {
    if let Some(found) = message.content_type()
        && !is_msgpack(found)
    {
        return Err(PayloadError::ContentType { found: found.to_owned(), wanted: "MessagePack" });
    }
    let payload = message.payload().ok_or(PayloadError::Absent)?;
    rmp_serde::from_slice(payload).map_err(|error| PayloadError::malformed::<T>("MessagePack", said(error)))
}

/// What is wrong, without values: a marker holds small ones.
fn said(error: Wrong) -> DecodeError {
    match error {
        Wrong::TypeMismatch(_) => DecodeError::plain("a value of another type"),
        Wrong::Syntax(text) | Wrong::Uncategorized(text) => DecodeError::of_serde(text),
        other => DecodeError::plain(other.to_string()),
    }
}

argument!(MsgPack: DeserializeOwned);
published!(MsgPack<T>, T: Serialize);

impl<T: Serialize> IntoMessage for MsgPack<T> {
    fn into_message(self) -> Result<Message, Error> {
        let payload = rmp_serde::to_vec_named(&self.0).map_err(Error::reject)?;
        Ok(Message::new(payload).with_content_type("application/vnd.msgpack"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::body;
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        id: String,
        quantity: u8,
    }

    fn order() -> Order {
        Order { id: "hunter2".to_owned(), quantity: 7 }
    }

    #[test]
    fn a_value_comes_back_and_says_what_it_is() {
        let message = MsgPack(order()).into_message().unwrap_or(Message::tombstone());
        assert_eq!(message.content_type(), Some("application/vnd.msgpack"));
        assert_eq!(decode::<Order>(&message).ok(), Some(order()));
        let text = message.with_content_type("text/plain");
        assert!(matches!(decode::<Order>(&text), Err(PayloadError::ContentType { .. })));
        assert!(matches!(decode::<Order>(&Message::tombstone()), Err(PayloadError::Absent)));
    }

    #[test]
    fn a_body_is_msgpack_where_that_is_declared() {
        let message = |payload: &'static [u8]| Message::new(payload).with_content_type("application/msgpack");
        assert!(matches!(body::decode::<u32>(&message(b"\x07")), Ok(7)));
        assert!(matches!(body::decode::<u32>(&message(b"\xa1x")), Err(PayloadError::Malformed { .. })));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_values() {
        let message = MsgPack(order()).into_message().unwrap_or(Message::tombstone());
        let payload = message.payload().cloned().unwrap_or_default();
        let said = |error: PayloadError| format!("{:#}", Error::new(error));
        let errors = [
            decode::<u8>(&message).err().map(said),
            decode::<(u8, u8)>(&message).err().map(said),
            decode::<Order>(&Message::new(payload.slice(..9))).err().map(said),
            decode::<String>(&Message::new(&b"\x07"[..])).err().map(said),
        ];
        for error in errors {
            let error = error.unwrap_or_default();
            assert!(error.contains("as MessagePack: "), "{error}");
            assert!(!error.contains("hunter2") && !error.contains('7'), "{error}");
        }
    }
}
