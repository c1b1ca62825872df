//! Protocol Buffers.

use super::{DecodeError, PayloadError, argument, is_one_of, published};
use crate::{IntoMessage, Message};
use modi_core::Error;

/// A payload in Protocol Buffers, for the types of the crate `prost`: an argument of a handler, and a result that is
/// published. With the feature `protobuf`.
///
/// Refuses a message that declares another content type and accepts one that declares none. What cannot be decoded goes
/// to the dead letters at once. `Option<Protobuf<_>>` is `None` for a message without a payload.
///
/// ```
/// use modi_broker::Protobuf;
/// # use prost::Message;
///
/// #[derive(Message)] // usually written by `prost-build` from a `.proto` file
/// struct Order {
///     #[prost(string, tag = "1")]
///     id: String,
/// }
///
/// async fn order_created(Protobuf(order): Protobuf<Order>) -> Protobuf<Order> {
///     Protobuf(order)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protobuf<T>(pub T);

fn decode<T: prost::Message + Default>(message: &Message) -> Result<T, PayloadError> {
    if let Some(found) = message.content_type()
        && !is_protobuf(found)
    {
        return Err(PayloadError::ContentType { found: found.to_owned(), wanted: "Protocol Buffers" });
    }
    let payload = message.payload().ok_or(PayloadError::Absent)?;
    // Its errors name fields and wire types, and quote nothing.
    T::decode(payload.clone())
        .map_err(|error| PayloadError::malformed::<T>("Protocol Buffers", DecodeError::plain(error.to_string())))
}

fn is_protobuf(content_type: &str) -> bool {
    let names = ["application/protobuf", "application/x-protobuf", "application/vnd.google.protobuf"];
    is_one_of(content_type, &names, "protobuf")
}

argument!(Protobuf: prost::Message + Default);
published!(Protobuf<T>, T: prost::Message);

impl<T: prost::Message> IntoMessage for Protobuf<T> {
    fn into_message(self) -> Result<Message, Error> {
        Ok(Message::new(self.0.encode_to_vec()).with_content_type("application/protobuf"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    struct Order {
        #[prost(string, tag = "1")]
        id: String,
        #[prost(uint32, tag = "2")]
        quantity: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Other {
        #[prost(uint32, tag = "1")]
        id: u32,
    }

    #[test]
    fn a_value_comes_back_and_says_what_it_is() {
        let order = Order { id: "hunter2".to_owned(), quantity: 7 };
        let message = Protobuf(order.clone()).into_message().unwrap_or(Message::tombstone());
        assert_eq!(message.content_type(), Some("application/protobuf"));
        assert_eq!(decode::<Order>(&message).ok(), Some(order));
        let error = decode::<Other>(&message).err().map(|error| format!("{:#}", Error::new(error))).unwrap_or_default();
        assert!(error.contains("as Protocol Buffers: ") && !error.contains("hunter2"), "{error}");
        let json = message.with_content_type("application/json");
        assert!(matches!(decode::<Order>(&json), Err(PayloadError::ContentType { .. })));
        assert!(matches!(decode::<Order>(&Message::tombstone()), Err(PayloadError::Absent)));
        assert!(matches!(decode::<Order>(&Message::new("")), Ok(empty) if empty == Order::default()));
    }
}
