//! From a delivery to its settlement, the same for every broker.
//!
//! receive → decode → deadline → handler, in its scope → complete the scope → publish results, confirmed → settle
//!
//! | file | its job |
//! |---|---|
//! | `run` | the loop of one subscriber: intake, one message at a time, settling beside everything |
//! | `attempt` | one attempt: decode, scope, handler, completion, results |
//! | `failure` | what follows a failed attempt: retries in place, then the dead letter |
//! | `settling` | settlements in batches, beside everything else |
//! | `control` | drain, then cut |
//! | `backoff`, `timer`, `counters` | how long to wait, the deadline's one timer, what was done |

mod attempt;
mod backoff;
mod control;
mod counters;
mod failure;
mod run;
mod settling;
mod timer;

pub use counters::{Report, SubscriberStats};

pub(crate) use control::Control;
pub(crate) use counters::Counters;
pub(crate) use failure::{Failure, Story};
pub(crate) use run::{Work, run};
