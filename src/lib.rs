#![doc = include_str!("../docs/tour.md")]

#[doc(inline)]
pub use modi_broker::Metrics;
#[cfg(feature = "msgpack")]
#[doc(inline)]
pub use modi_broker::MsgPack;
#[cfg(feature = "protobuf")]
#[doc(inline)]
pub use modi_broker::Protobuf;
#[doc(no_inline)]
pub use modi_broker::prometheus_client;
#[doc(inline)]
pub use modi_broker::{
    Ack, AppExt, Attempt, BatchHandler, Body, Broker, BrokerError, BrokerErrorKind, BrokerUrlError, BrokersError, Call,
    Context, DeadLetter, DecodeError, Errors, Failed, FailureKind, FailurePolicy, FromMessage, FromPath, HandlerError,
    Headers, Health, IntoMessage, IntoOutcomes, IntoReply, Json, Key, Lease, MemoryBroker, MemoryProfile, Message,
    Middleware, Next, NextPublish, Order, Outcome, Outgoing, Path, PathError, PayloadError, Place, Publication,
    PublishError, Publisher, Receipt, Redrive, Reply, Report, Request, RunningAppExt, Spec, SubscriberError,
    SubscriberState, SubscriberStats, SubscriberStatus, Subscribers, Target, TestApp, TestSetup, To, TraceParent,
    TraceParentError, contract, wire,
};
#[cfg(feature = "conformance")]
#[doc(inline)]
pub use modi_broker::{conformance, conformance_tests};
#[doc(inline)]
pub use modi_core::{
    Advice, All, App, AppScope, BoxError, Classify, Completion, Component, Dependency, Error, Graph, Host, Lazy,
    Lifecycle, Module, Overrides, Resolver, Result, RunningApp, Scope, Scoped, Service, Signals, StartError, Stop,
};

/// Makes a type injectable: on a struct, on an `impl` block, on a function.
///
/// | Key | |
/// |---|---|
/// | `singleton` | one an application: the default |
/// | `scoped` | one an attempt at a message |
/// | `transient` | one a place that asks for it; its constructor is not `async` |
/// | `lifecycle` | a singleton with hooks: [`Lifecycle`] |
/// | `complete` | a scoped service with an end: [`Scoped`] |
///
/// On a struct every field is a dependency, but for those with `#[default]` or `#[default(expression)]`. On an `impl`
/// block the associated function that returns `Self` or `Result<Self, _>` is the constructor; `#[constructor]` marks one
/// of several. A function provides what it returns. See [the guide](crate::guide::container).
///
/// ```
/// use modi::prelude::*;
/// use std::sync::Arc;
///
/// struct Pool { size: usize }
///
/// #[injectable] // a type that is not ours
/// async fn pool() -> Result<Pool, std::io::Error> {
///     Ok(Pool { size: 4 })
/// }
///
/// #[injectable]
/// struct Users { pool: Arc<Pool> }
///
/// #[module(providers = [pool, Users])]
/// struct AppModule;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> modi::Result {
/// let app = App::new(AppModule).start().await?;
/// assert_eq!(app.get::<Users>().pool.size, 4);
/// # app.stop().await
/// # }
/// ```
pub use modi_macros::injectable;
/// Makes a struct a module.
///
/// | Key | Entries |
/// |---|---|
/// | `imports` | `Module::{A, dyn B}`, `Module`, `Module { field: value }::{A}` |
/// | `providers` | `Type`, `function`, `Type as dyn Trait`, `Type as all dyn Trait` |
/// | `exports` | what importers may take: provided here, or imported |
/// | `subscribers` | functions and services with `#[subscriber]` |
/// | `optional` | what `Option<Arc<_>>` finds absent |
/// | `middleware` | services around all handlers that it lists, outermost first: [`Middleware`] |
///
/// A field with `#[provide]` is a service. `#[cfg(..)]` works on every entry. See [the guide](crate::guide::container).
///
/// ```
/// use modi::prelude::*;
///
/// #[injectable]
/// struct Database;
///
/// #[module(providers = [Database], exports = [Database])]
/// struct StorageModule;
///
/// #[module(imports = [StorageModule::{Database}])]
/// struct AppModule;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> modi::Result {
/// App::new(AppModule).start().await?.stop().await
/// # }
/// ```
pub use modi_macros::module;
/// Makes a function, or the methods of a service, handle messages.
///
/// The topic comes first, a text or a constant: `orders.created`, or a pattern, where the broker has them: in
/// `logs.{level}` the placeholder stands for one part between dots, in `files.{path..}` for all that are left. Then:
///
/// | Key | | Default |
/// |---|---|---|
/// | `group` | who shares the messages: letters, digits, `-`, `_` | the application's name |
/// | `publish` | where the result goes: `"a"`, or `["a", "b"]` for each result to both | |
/// | `reply` | the result goes to whoever asked: see [`Publisher::request`] | |
/// | `broker` | the name of a broker | the application's default broker |
/// | `retries` | how often a failed message is tried again in place | 3 |
/// | `redeliver` | after those in place, and before `failure`: later, as copies that the broker keeps: `["1m", "10m"]` | |
/// | `failure` | what becomes of a message that cannot be handled: `dead_letter`, `drop`, `stop`, `restart`, `stop_app` | `dead_letter` |
/// | `on_error` | a function `fn(&Failed) -> Option<Outcome>` that sees every failed attempt: see [`Failed`] | |
/// | `errors` | whether dead letters tell the error: `on` or `off` | `on` |
/// | `deadline` | how long one attempt may take from its first wait: `"250ms"`, `"15s"`, `"2m"` | 15 s |
/// | `prefetch` | how many messages may be out at once | 256 |
/// | `prefetch_bytes` | how many bytes of payload may be out at once; one message may be larger | 8 MiB |
/// | `concurrency` | how many messages are handled side by side | 1 |
/// | `order` | what keeps its order then: `lane` (a partition, queue or stream), `key` or `none` | `lane` |
/// | `rate` | at most so many messages begin: `"100/s"`, `"20/m"`, `"5000/h"` | no limit |
/// | `batch` | handles so many messages at once: arguments are `Vec<Json<_>>` and services | one by one |
/// | `linger` | how long the first message of a batch waits for others | 50 ms |
/// | `filter` | a function `fn(&Message) -> bool`: several handlers share one subscription | |
/// | `scope` | how far that order reaches: `partition`, or `process` where a broker deals one key to several processes | |
/// | `tasks` | how many members of the group this process is, for handlers that compute | 1 |
/// | `start` | where a new group begins: `earliest` or `latest` | `earliest`, where the broker has it |
/// | `ack` | `handled`, or `received`: then a crash loses what was being handled | `handled` |
/// | `middleware` | services around the handler, outermost first: [`Middleware`] | |
///
/// A handler of a batch returns `()`, a `Vec<Outcome>` with one for each message, or a `Result` of them; one message that
/// cannot be decoded or fails does not fail the others.
///
/// ```
/// use modi::prelude::*;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[injectable]
/// struct Total {
///     #[default]
///     sum: AtomicU64,
/// }
///
/// #[subscriber("numbers", group = "totals", publish = "numbers.doubled")]
/// async fn number(Json(number): Json<u64>, total: Arc<Total>) -> Json<u64> {
///     total.sum.fetch_add(number, Ordering::Relaxed);
///     Json(number * 2) // published and confirmed, then the message is acknowledged
/// }
///
/// /// Listing it under `subscribers` also provides it. The prefix stands before the topics of all its handlers.
/// #[injectable]
/// struct Doubled {
///     total: Arc<Total>,
/// }
///
/// #[subscriber(prefix = "numbers.")]
/// impl Doubled {
///     #[subscribe("doubled", group = "totals")]
///     async fn doubled(&self, Json(number): Json<u64>) {
///         self.total.sum.fetch_add(number, Ordering::Relaxed);
///     }
/// }
///
/// #[module(providers = [Total], subscribers = [number, Doubled])]
/// struct AppModule;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let app = TestApp::start(AppModule).await.unwrap();
/// app.publish("numbers", &1).await.unwrap(); // returns when the whole chain has settled
/// assert_eq!(app.get::<Total>().sum.load(Ordering::Relaxed), 3);
/// # }
/// ```
pub use modi_macros::subscriber;

/// What nearly every file of an application uses.
pub mod prelude {
    pub use crate::{
        All, App, AppExt, Body, Broker, Completion, Context, Headers, Json, Key, Lazy, Lifecycle, Message, Outcome,
        Path, Publisher, RunningAppExt, Scoped, Subscribers, TestApp, To, injectable, module, subscriber,
    };
}

/// The guides.
pub mod guide {
    #[doc = include_str!("../docs/container.md")]
    pub mod container {}
    #[doc = include_str!("../docs/handlers.md")]
    pub mod handlers {}
    #[doc = include_str!("../docs/guarantees.md")]
    pub mod guarantees {}
    #[doc = include_str!("../docs/adapters.md")]
    pub mod adapters {}
    #[doc = include_str!("../docs/wire.md")]
    pub mod wire {}
    #[doc = include_str!("../docs/tracing.md")]
    pub mod tracing {}
    #[doc = include_str!("../docs/metrics.md")]
    pub mod metrics {}
}

/// What the attributes write. Not for users: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use modi_broker::contract::{OrderScope, Start};
    pub use modi_broker::{
        Ack, Attempt, BatchHandler, Classified, Early, Errors, FailurePolicy, FromMessage, Handler, Order, Returned,
        Spec, Subscribes, Unclassified, argument, around, batch_handler, early, handler, join, misplaced,
    };
    pub use modi_core::dependency::{Dependency, edge, imported, take, take_imported};
    pub use modi_core::graph::{Around, Edge, HandlerNode, Key, Node, Outline, order, outline};
    pub use modi_core::module::{Cell, Exports, Imports, Link, Module, Optional, Owns, Provides};
    pub use modi_core::scope::{Complete, Resolver};
    pub use modi_core::service::{
        Made, Object, Service, ServiceHook, Source, Value, Wire, completes, constructed, keep, later, node, node_with,
        starts, stops,
    };
    pub use modi_core::{Linker, Plan, lifetime, provide};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
