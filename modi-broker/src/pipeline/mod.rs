//! From a delivery to its settlement, the same for every broker.
//!
//! receive → decode → deadline → handler, in its scope → complete the scope → publish results, confirmed → settle
//!
//! | file | its job |
//! |---|---|
//! | `run` | a subscriber at work: from what it is made of to how its run ends |
//! | `desk` | what every loop does beside its jobs |
//! | `line` | one message after the other: what `one` and `batches` have in common |
//! | `one` | the loop for one message at a time, in order |
//! | `batches` | the loop for several at once, settled one by one |
//! | `many` | the loop for several side by side: `floor` knows them, `slots` runs them, `schedule` says which may start |
//! | `floor` | the messages side by side: which may start, which run, how they end |
//! | `job` | one message from its first attempt to its end, as a future that knows no loop |
//! | `attempt` | one attempt: decode, scope, handler, completion |
//! | `respond` | the results of an attempt, published |
//! | `failure` | what follows a failed attempt: what a hook says, and retries in place |
//! | `conclusion` | after those: a copy that comes later, the dead letter, or another policy |
//! | `breaker` | an outage is not a poison message |
//! | `choice` | several handlers on one subscription |
//! | `pace` | a rate limit |
//! | `work` | what a subscriber does with a message: call its handler |
//! | `by_hand` | messages whose leases handlers hold |
//! | `confirming` | messages whose results are not confirmed yet |
//! | `settling` | settlements in batches, beside everything else |
//! | `control` | pause, drain, cut |
//! | `exit` | how a run ends |
//! | `clock` | deadlines and waits, on one timer |
//! | `backoff`, `counters` | how long to wait and where, what was done |

mod attempt;
mod backoff;
mod batches;
mod breaker;
mod by_hand;
mod choice;
mod clock;
mod conclusion;
mod confirming;
mod control;
mod counters;
mod desk;
mod exit;
mod failure;
mod floor;
mod job;
mod line;
mod many;
mod one;
mod pace;
mod respond;
mod run;
mod schedule;
mod settling;
mod slots;
#[cfg(all(test, modi_loom))]
mod threads;
mod work;

pub use counters::{Report, SubscriberStats};

pub(crate) use choice::Candidate;
pub(crate) use control::Control;
pub(crate) use counters::{COUNTED, Counters};
pub(crate) use exit::{Exit, Then, wait_before_restart};
pub(crate) use failure::{Failure, Story};
pub(crate) use run::{Parts, candidate, run, run_batches, run_choice};
