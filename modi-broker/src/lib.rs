//! Messages, subscriptions and the delivery pipeline of Modi.
//!
//! | room | what is in it |
//! |---|---|
//! | [`Message`], [`Headers`], [`Outcome`] | what travels, and what a handler may say about it |
//! | `handler` | a function as a [`Handler`]: its [arguments](FromMessage), its [results](IntoReply), its [`Spec`] |
//! | [`Middleware`] | what stands around handlers and around what they publish |
//! | `pipeline` | from a delivery to its settlement, the same for every broker: attempts, retries, dead letters |
//! | [`contract`] | what an adapter implements |
//! | `adapters` | the brokers: [`MemoryBroker`] |
//! | [`Broker`], [`AppExt`], [`Publisher`] | a broker by its URL, in an application, to publish to |
//! | [`TestApp`], [`DeadLetter`], [`Report`] | looking at what happened |
//! | [`wire`] | the names of the headers that Modi writes |
//!
//! A message is acknowledged after its handler succeeded, its scope was completed and what it published is confirmed. So
//! each message is handled at least once: a crash, and a publication that fails after its scope was completed, repeat the
//! attempt. Attempts are counted from the handing out: those made in place start over after a crash. One subscriber handles
//! one message at a time, in order, or [several](Spec::concurrency) side by side that keep the order of their
//! [lanes or keys](Order); what comes after a message waits while that is tried again.
//!
//! An outage is not a poison message. A message whose retries are used up waits for the next ones to tell, at most a second
//! where there are none, before it is a dead letter. After 10 failures in a row over at least 3 messages the subscriber is
//! [degraded](SubscriberStats::degraded): it receives nothing, tries one message after pauses of 1 second doubling to 1
//! minute, dead-letters none, and goes on in order when one is handled. What is acknowledged when received has neither.
//!
//! Arrows point one way: adapters know the contract, the pipeline knows the contract and the handlers, the component
//! starts the pipeline, and nothing but the component knows an application.

mod adapters;
mod app;
mod broker;
mod component;
// Its own tests are the integration tests: those of the library need not wait for it.
#[cfg(all(feature = "conformance", not(test)))]
pub mod conformance;
pub mod contract;
mod correlation;
mod dead_letter;
mod error;
mod failed;
mod handler;
mod headers;
mod health;
mod message;
mod middleware;
mod needs;
mod observe;
mod outcome;
mod pattern;
mod pipeline;
mod prefix;
mod publisher;
mod redelivery;
mod redrive;
mod registry;
mod start_error;
mod subscribers;
mod supervision;
mod sync;
mod testing;
pub mod wire;

#[doc(no_inline)]
pub use prometheus_client;

pub use adapters::memory::{Faults, MemoryBroker, MemoryProfile};
pub use app::AppExt;
pub use broker::{Broker, BrokerUrlError};
pub use contract::{Outgoing, Place, Receipt};
pub use dead_letter::{DeadLetter, FailureKind};
pub use error::{BrokerError, BrokerErrorKind, PublishError};
pub use failed::Failed;
#[cfg(feature = "msgpack")]
pub use handler::MsgPack;
#[cfg(feature = "protobuf")]
pub use handler::Protobuf;
pub use handler::{
    Ack, Attempt, BatchHandler, Body, Context, DecodeError, Early, Errors, FailurePolicy, FromMessage, FromPath,
    Handler, HandlerError, IntoMessage, IntoOutcomes, IntoReply, Json, Key, Lease, Order, Path, PathError,
    PayloadError, Reply, Spec, Subscribes, To, argument, batch_handler, early, handler, join, misplaced,
};
#[doc(hidden)]
pub use handler::{ByDefault, ByItself, Classified, Returned, Unclassified};
pub use headers::Headers;
pub use health::Health;
pub use message::Message;
pub use middleware::{Call, Middleware, Next, NextPublish, around};
pub use observe::{Metrics, TraceParent, TraceParentError};
pub use outcome::Outcome;
pub use pipeline::{Report, SubscriberStats};
pub use publisher::{Publication, Publisher, Request, Target};
pub use redrive::Redrive;
pub use start_error::BrokersError;
pub use subscribers::{RunningAppExt, SubscriberError, SubscriberState, SubscriberStatus, Subscribers};
pub use testing::{TestApp, TestSetup};
