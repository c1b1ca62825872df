//! What an application tells about itself, beside its messages: traces.
//!
//! | file | its job |
//! |---|---|
//! | `trace` | the ids of a trace, as W3C Trace Context writes them |
//! | `watch` | one attempt, watched: its span, if anybody wants it |
//! | `carry` | from one message to the next: reading and writing the headers of a trace |

#[cfg(test)]
#[path = "../../tests/common/capture.rs"]
mod capture;
mod carry;
mod trace;
mod watch;

pub use trace::{TraceParent, TraceParentError};

pub(crate) use carry::{Carried, parent};
pub(crate) use watch::Watch;
