//! From a function to a subscriber: what `#[subscriber]` writes, and how a module carries it.

mod argument;
mod attempt;
mod batch;
mod classify;
mod context;
mod fits;
mod lease;
mod node;
mod path;
mod payload;
mod reply;
mod results;
mod services;
mod signal;
mod spec;
#[cfg(all(test, modi_loom))]
mod threads;
mod words;

pub use argument::{Early, FromMessage, argument, early};
pub use attempt::Attempt;
pub use batch::{BatchHandler, IntoOutcomes, batch_handler, misplaced};
pub use classify::{ByDefault, ByItself, Classified, Returned, Unclassified};
pub use context::{Context, Key};
pub use lease::Lease;
pub use node::{Handler, Subscribes, handler};
pub use path::{FromPath, Path, PathError};
#[cfg(feature = "msgpack")]
pub use payload::MsgPack;
#[cfg(feature = "protobuf")]
pub use payload::Protobuf;
pub use payload::{Body, DecodeError, Json, PayloadError};

pub use reply::{HandlerError, IntoMessage, IntoReply, Reply, To};
pub use spec::{Spec, join};
pub use words::{Ack, Errors, FailurePolicy, Order};

pub(crate) use attempt::About;
pub(crate) use lease::{Inbox, Left, Ticket, Word};
pub(crate) use node::Subscriber;
pub(crate) use payload::{decode_body, decode_json};
pub(crate) use reply::{Response, Responses};
pub(crate) use results::{Destination, Results};
pub(crate) use signal::Signals;
pub(crate) use spec::Retries;
