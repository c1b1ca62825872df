//! What every broker must pass: one suite, run unchanged against all of them.
//!
//! An adapter's tests are a [`Subject`] and one line:
//!
//! ```no_run
//! use modi_broker::conformance::{Claims, Clock, Subject};
//! use modi_broker::{Broker, MemoryBroker};
//!
//! struct Memory;
//!
//! impl Subject for Memory {
//!     fn name(&self) -> &str {
//!         "memory"
//!     }
//!     fn broker(&self) -> Broker {
//!         MemoryBroker::new().into()
//!     }
//!     fn claims(&self) -> Claims {
//!         Claims { dedupe: false, durable: false, partition: false, ..Claims::ALL }
//!     }
//!     fn clock(&self) -> Clock {
//!         Clock::Paused
//!     }
//! }
//!
//! modi_broker::conformance_tests!(Memory);
//! # fn main() {}
//! ```
//!
//! The macro writes one test for each item of [`ITEMS`], with its name. A name begins with the number that the item has in
//! the list of what every broker must pass. Where the subject does not claim what an item needs, the item proves the
//! denial: a typed [`Unsupported`](crate::BrokerErrorKind::Unsupported), an error of the start, or what the documentation
//! says of such brokers. It is said on standard error that it did, and so is every skip. An item may be skipped only for
//! want of a [`Hook`] that [`Subject::lacks`] names.
//!
//! Tests wait for events, with a deadline; what has to do with delays is never early, and late by a second or a tenth at
//! most. Messages are known by their ids. After each test no task may be left.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod basics;
mod failure;
mod faults;
mod faulty;
mod features;
mod items;
mod life;
mod member;
mod membership;
mod order;
mod outage;
mod probe;
mod retries;
mod run;
mod settlement;
mod stage;
mod subject;
mod test;

pub use items::{ITEMS, check};
pub use run::{Item, Proof, stress};
pub use subject::{Claims, Clock, Hook, Server, Subject};
