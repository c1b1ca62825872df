//! The names of the headers that Modi writes, the same on every broker.

/// Says which chain of messages a message belongs to: copied from the message in hand to everything that its handler
/// publishes; where that has none, its id, or else a new one.
pub const CORRELATION_ID: &str = "correlation-id";

/// Where in a trace the message belongs, as <https://www.w3.org/TR/trace-context/> says: see
/// [`TraceParent`](crate::TraceParent).
pub const TRACEPARENT: &str = "traceparent";
/// What other tracing systems keep about that trace: passed on as it is.
pub const TRACESTATE: &str = "tracestate";

/// On a dead letter: what kind of failure it was. One of `error`, `reject`, `decode`, `panic`, `deadline`.
pub const DEAD_KIND: &str = "modi-dead-kind";
/// On a dead letter: the text of the error and of its causes, outermost first.
pub const DEAD_ERROR: &str = "modi-dead-error";
/// On a dead letter: the topic that the message came from.
pub const DEAD_TOPIC: &str = "modi-dead-topic";
/// On a dead letter: the group that could not handle it.
pub const DEAD_GROUP: &str = "modi-dead-group";
/// On a dead letter: the handler that could not handle it, as `Module::handler`.
pub const DEAD_SUBSCRIBER: &str = "modi-dead-subscriber";
/// On a dead letter: how many attempts were made.
pub const DEAD_ATTEMPTS: &str = "modi-dead-attempts";
/// On a dead letter: when the first attempt failed, in milliseconds since 1970.
pub const DEAD_FIRST_FAILURE: &str = "modi-dead-first-failure";
/// On a dead letter: when the last attempt failed, in milliseconds since 1970.
pub const DEAD_LAST_FAILURE: &str = "modi-dead-last-failure";
/// On a dead letter: the application's name.
pub const DEAD_SERVICE: &str = "modi-dead-service";
/// On a dead letter: the id of the message, where it had one.
pub const DEAD_MESSAGE_ID: &str = "modi-dead-message-id";
