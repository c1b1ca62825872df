//! The payload as it is, and as text: whatever the message declares.

use super::{DecodeError, PayloadError, published};
use crate::{Attempt, FromMessage, IntoMessage, Message};
use bytes::Bytes;
use modi_core::{Error, Module};

fn payload(message: &Message) -> Result<&Bytes, Error> {
    message.payload().ok_or_else(|| Error::reject(PayloadError::Absent))
}

fn text(payload: &Bytes) -> Result<String, Error> {
    let text = std::str::from_utf8(payload).map(str::to_owned);
    text.map_err(|error| {
        Error::reject(PayloadError::malformed::<String>("UTF-8", DecodeError::plain(error.to_string())))
    })
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

published!(Bytes);
published!(String);

impl IntoMessage for Bytes {
    fn into_message(self) -> Result<Message, Error> {
        Ok(Message::new(self))
    }
}

/// As `text/plain`.
impl IntoMessage for String {
    fn into_message(self) -> Result<Message, Error> {
        Ok(Message::new(self).with_content_type("text/plain; charset=utf-8"))
    }
}
