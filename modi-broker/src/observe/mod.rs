//! What an application tells about itself, beside its messages: traces and metrics.
//!
//! | file | its job |
//! |---|---|
//! | `trace` | the ids of a trace, as W3C Trace Context writes them |
//! | `watch` | one attempt, watched: its span, if anybody wants it |
//! | `metrics` | the metrics of an application in one registry, as text |
//! | `sources` | what Modi's own metrics are read from |
//! | `seconds` | how long attempts take |
//! | `limit` | how many lines a second may be written about one thing |
//! | `carry` | from one message to the next: reading and writing the headers of a trace |

#[cfg(test)]
#[path = "../../tests/common/capture.rs"]
mod capture;
mod carry;
mod limit;
mod metrics;
mod seconds;
mod sources;
mod trace;
mod watch;

pub use metrics::Metrics;
pub use trace::{TraceParent, TraceParentError};

pub(crate) use carry::{Carried, parent};
pub(crate) use limit::Limit;
pub(crate) use seconds::Seconds;
pub(crate) use sources::Lag;
pub(crate) use watch::Watch;
