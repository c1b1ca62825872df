//! What is checked before anything is connected, and what can fail after that.

use crate::BrokerError;
use crate::component::Listener;
use crate::registry::Entry;
use modi_core::BoxError;

/// Why the broker layer did not start, or stopped the application.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokersError {
    /// The subscribers and the brokers do not fit together; every problem is listed.
    #[error("the subscribers do not fit together:{}", lines(.0))]
    Setup(Vec<String>),
    /// A broker cannot be connected.
    #[error("the broker `{scheme}` cannot be connected")]
    Connect {
        /// The kind of broker.
        scheme: &'static str,
        /// The cause.
        #[source]
        source: BrokerError,
    },
    /// A subscriber cannot join.
    #[error("`{subscriber}` cannot subscribe")]
    Subscribe {
        /// The subscriber.
        subscriber: String,
        /// The cause.
        #[source]
        source: BrokerError,
    },
    /// A subscriber cannot go on.
    #[error("`{subscriber}` cannot go on")]
    Failed {
        /// The subscriber.
        subscriber: String,
        /// The cause: a [`BrokerError`], or the failure that its policy stops for.
        #[source]
        source: BoxError,
    },
    /// A subscriber panicked outside of its handler.
    #[error("`{subscriber}` panicked outside of its handler: {message}")]
    Panicked {
        /// The subscriber.
        subscriber: String,
        /// What the panic said.
        message: String,
    },
}

fn lines(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

/// Finds every problem.
pub(crate) fn check(listeners: &[Listener], entries: &[Entry], application: &str) -> Result<(), BrokersError> {
    let mut problems = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if entries[..at].iter().any(|other| other.name == entry.name) {
            problems.push(match &entry.name {
                Some(name) => format!("two brokers are named `{name}`"),
                None => "the application has two default brokers: name one of them with `.named_broker(..)`".to_owned(),
            });
        }
    }
    for (at, listener) in listeners.iter().enumerate() {
        let Listener { subscriber, name, group, broker, .. } = listener;
        let spec = subscriber.spec();
        match (spec.broker, broker) {
            (Some(wanted), None) => problems.push(format!(
                "`{name}` listens on the broker `{wanted}`, which the application does not have: add it with \
                 `.named_broker(\"{wanted}\", ..)`"
            )),
            (None, Some(at)) if entries[*at].broker.is_none() => problems
                .push(format!("`{name}` names no broker, and the application has no default one: add `.broker(..)`")),
            _ => {}
        }
        if spec.topic.trim().is_empty() {
            problems.push(format!("`{name}` listens to a topic without a name"));
        }
        if spec.publish.is_some_and(|topic| topic.trim().is_empty()) {
            problems.push(format!("`{name}` publishes to a topic without a name"));
        }
        if spec.concurrency > spec.limit {
            problems.push(format!(
                "`{name}` handles {} messages side by side and may have {} of them in hand: raise its `prefetch`",
                spec.concurrency, spec.limit
            ));
        }
        if !is_group(group) {
            problems.push(match spec.group {
                Some(group) => {
                    format!("the group `{group}` of `{name}` may have letters, digits, `-` and `_` only")
                }
                None => format!(
                    "the application's name `{application}` is the group of `{name}` and may then have letters, digits, \
                     `-` and `_` only: name the application with `.name(\"..\")`, or write `group = \"..\"`"
                ),
            });
        }
        let same = |other: &&Listener| {
            other.broker == *broker && other.group == *group && other.subscriber.spec().topic == spec.topic
        };
        if let Some(other) = listeners[..at].iter().find(same) {
            problems.push(format!(
                "`{}` and `{name}` both listen to `{}` in the group `{group}`, so each would miss what the other gets: \
                 give one of them a group of its own",
                other.name, spec.topic
            ));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(BrokersError::Setup(problems)) }
}

fn is_group(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::is_group;

    #[test]
    fn a_group_is_letters_digits_hyphens_and_underscores() {
        assert!(["orders", "Orders-2", "a_b"].into_iter().all(is_group));
        assert!(!["", "a.b", "a b", "größe", "a/b"].into_iter().any(is_group));
    }
}
