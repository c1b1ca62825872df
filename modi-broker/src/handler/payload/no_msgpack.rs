//! MessagePack, where its feature is off: known, and not decoded.

use super::PayloadError;
use crate::Message;

pub(super) fn decode<T>(message: &Message) -> Result<T, PayloadError> {
    let found = message.content_type().unwrap_or_default().to_owned();
    Err(PayloadError::Feature { found, feature: "msgpack" })
}

#[cfg(test)]
mod tests {
    use super::super::body;
    use crate::Message;

    #[test]
    fn a_format_that_this_program_was_built_without_names_its_feature() {
        let error = body::decode::<u32>(&Message::new("\x07").with_content_type("application/vnd.msgpack"));
        assert!(error.is_err_and(|error| error.to_string().contains("switch on the feature `msgpack`")));
    }
}
