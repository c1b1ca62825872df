//! The names of the headers that Modi writes, the same on every broker.

/// Says which chain of messages a message belongs to: copied from the message in hand to everything that its handler
/// publishes; where that has none, its id, or else a new one. Adapters read and write it: see
/// [`Message::correlation_id`](crate::Message::correlation_id).
pub const CORRELATION_ID: &str = "correlation-id";

/// Where in a trace the message belongs, as <https://www.w3.org/TR/trace-context/> says: see
/// [`TraceParent`](crate::TraceParent).
pub const TRACEPARENT: &str = "traceparent";
/// What other tracing systems keep about that trace: passed on as it is.
pub const TRACESTATE: &str = "tracestate";

/// On a copy that comes again later: how many attempts were made before it. The pipeline removes this header and the next
/// six before anything else sees the message.
pub const RETRY_ATTEMPTS: &str = "modi-retry-attempts";
/// On a copy that comes again later: how many delays of `redeliver` it and its predecessors have taken.
pub const RETRY_STEP: &str = "modi-retry-step";
/// On a copy that comes again later: how many attempts failed since the last of those delays.
pub const RETRY_FAILURES: &str = "modi-retry-failures";
/// On a copy that comes again later: when the first attempt failed, in milliseconds since 1970.
pub const RETRY_FIRST_FAILURE: &str = "modi-retry-first-failure";
/// On a copy that comes again later: the topic of the original, where the subscription has several.
pub const RETRY_TOPIC: &str = "modi-retry-topic";
/// On a copy that comes again later: where the original was, as the broker names it.
pub const RETRY_SOURCE: &str = "modi-retry-source";
/// On a copy that comes again later: the span of the last attempt, in the format of `traceparent`. It counts where the message
/// has no `traceparent` of its own.
pub const RETRY_TRACEPARENT: &str = "modi-retry-traceparent";

/// On a dead letter: what kind of failure it was. One of `error`, `reject`, `decode`, `panic`, `deadline`,
/// `crash`.
pub const DEAD_KIND: &str = "modi-dead-kind";
/// On a dead letter: the text of the error and of its causes, outermost first.
pub const DEAD_ERROR: &str = "modi-dead-error";
/// On a dead letter: the type of the error, where it had one.
pub const DEAD_ERROR_TYPE: &str = "modi-dead-error-type";
/// On a dead letter: the topic that the message came from.
pub const DEAD_TOPIC: &str = "modi-dead-topic";
/// On a dead letter: where the message was, as the broker names it.
pub const DEAD_SOURCE: &str = "modi-dead-source";
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
/// On a dead letter: the span of the last attempt, in the format of `traceparent`; without spans the `traceparent` that the
/// message came with.
pub const DEAD_TRACEPARENT: &str = "modi-dead-traceparent";
/// On a dead letter: the id of the message, where it had one.
pub const DEAD_MESSAGE_ID: &str = "modi-dead-message-id";
