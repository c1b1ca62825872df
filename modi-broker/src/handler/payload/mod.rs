//! The payload as an argument and as a result: as it is, as text, or through a codec.
//!
//! | file | its job |
//! |---|---|
//! | `json`, `msgpack`, `protobuf` | a codec each: its wrapper, and the content types that it is known by |
//! | `body` | the codec that the message declares |
//! | `raw` | bytes and text |
//! | `error` | why a payload is not what the handler takes |

mod body;
mod error;
mod json;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(not(feature = "msgpack"))]
#[path = "no_msgpack.rs"]
mod msgpack;
#[cfg(feature = "protobuf")]
mod protobuf;
mod raw;

pub use body::Body;
pub use error::{DecodeError, PayloadError};
pub use json::Json;
#[cfg(feature = "msgpack")]
pub use msgpack::MsgPack;
#[cfg(feature = "protobuf")]
pub use protobuf::Protobuf;

pub(crate) use body::decode as decode_body;
pub(crate) use json::decode as decode_json;

/// Whether a declared content type is one of `names` or ends in `+suffix`. Parameters and capitals do not matter.
fn is_one_of(content_type: &str, names: &[&str], suffix: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let end = essence.rsplit_once('+').map(|(_, end)| end);
    names.iter().any(|name| essence.eq_ignore_ascii_case(name))
        || end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

fn is_msgpack(content_type: &str) -> bool {
    is_one_of(content_type, &["application/vnd.msgpack", "application/msgpack", "application/x-msgpack"], "msgpack")
}

/// A wrapper as an argument, and in an `Option`, which is `None` for a message without a payload.
macro_rules! argument {
    ($wrapper:ident: $($bound:tt)*) => {
        impl<M: modi_core::Module, T: $($bound)* + Send> crate::FromMessage<M> for $wrapper<T> {
            #[inline]
            fn take(attempt: &crate::Attempt<'_, M>) -> Result<Self, modi_core::Error> {
                decode(attempt.message).map(Self).map_err(modi_core::Error::reject)
            }
        }

        impl<M: modi_core::Module, T: $($bound)* + Send> crate::FromMessage<M> for Option<$wrapper<T>> {
            fn take(attempt: &crate::Attempt<'_, M>) -> Result<Self, modi_core::Error> {
                attempt.message.payload().is_some().then(|| $wrapper::take(attempt)).transpose()
            }
        }
    };
}
use super::reply::published;
use argument;
