//! What is checked before anything is built: the subscribers among each other, and the brokers that they name.

use crate::prefix::Prefix;
use crate::registry::{Entry, Registry};
use crate::{Broker, BrokersError, Spec};
use modi_core::Declared;
use std::sync::Arc;

/// A handler that is going to be a subscriber, as far as it is known before anything is built.
pub(crate) struct Wanted {
    /// `Module::handler`.
    pub(crate) name: String,
    pub(crate) spec: Spec,
    pub(crate) group: Arc<str>,
    /// Which broker of the registry; `None` where there is no such broker.
    pub(crate) broker: Option<usize>,
}

impl Wanted {
    /// `None` for a handler of another layer, which is that layer's business.
    pub(crate) fn of(declared: Declared, application: &str, registry: &Registry) -> Option<Self> {
        let Declared { module, node } = declared;
        let spec = *node.spec.downcast_ref::<Spec>()?;
        let name = format!("{module}::{}", node.name);
        let group = spec.group.unwrap_or(application).into();
        Some(Self { name, spec, group, broker: registry.find(spec.broker) })
    }

    /// Both listen to one topic in one group.
    pub(super) fn shares_with(&self, other: &Self) -> bool {
        self.broker == other.broker && self.group == other.group && self.spec.topic == other.spec.topic
    }
}

/// What is wrong with two handlers that share a subscription by their filters.
fn share(one: &Wanted, other: &Wanted) -> Option<String> {
    let (first, second) = (&one.name, &other.name);
    let alone = [one, other].into_iter().find_map(|wanted| Some((&wanted.name, wanted.spec.alone()?)));
    if let Some((name, why)) = alone {
        return Some(format!(
            "`{first}` and `{second}` share one subscription by their filters, and `{name}` {why}: give it a group of its own"
        ));
    }
    let key = one.spec.differs(&other.spec)?;
    Some(format!(
        "`{first}` and `{second}` share one subscription by their filters, and `{key}` differs: write the same in both"
    ))
}

/// Finds every problem.
pub(crate) fn check(wanted: &[Wanted], entries: &[Entry], application: &str) -> Result<(), BrokersError> {
    let mut problems = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if entries[..at].iter().any(|other| other.name == entry.name) {
            problems.push(match &entry.name {
                Some(name) => format!("two brokers are named `{name}`"),
                None => "the application has two default brokers: name one of them with `.named_broker(..)`".to_owned(),
            });
        }
        if let Some(prefix) = entry.broker.as_ref().and_then(Broker::prefix).filter(|prefix| !Prefix::is_valid(prefix))
        {
            problems.push(format!(
                "the prefix `{prefix}` of a broker may have letters, digits, `-`, `_` and `.` only, and begins neither with \
                 `.` nor with `dead.` or `retry.`"
            ));
        }
    }
    for (at, subscriber) in wanted.iter().enumerate() {
        let Wanted { name, spec, group, broker } = subscriber;
        match (spec.broker, broker) {
            (Some(missing), None) => problems.push(format!(
                "`{name}` listens on the broker `{missing}`, which the application does not have: add it with \
                 `.named_broker(\"{missing}\", ..)`"
            )),
            (None, Some(at)) if entries[*at].broker.is_none() => problems
                .push(format!("`{name}` names no broker, and the application has no default one: add `.broker(..)`")),
            _ => {}
        }
        if spec.topic.trim().is_empty() {
            problems.push(format!("`{name}` listens to a topic without a name"));
        }
        if spec.results.topics().iter().any(|topic| topic.trim().is_empty()) {
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
        let Some(other) = wanted[..at].iter().find(|other| other.shares_with(subscriber)) else { continue };
        if spec.filter.is_some() || other.spec.filter.is_some() {
            problems.extend(share(other, subscriber));
        }
        let takes_all = |other: &&Wanted| other.shares_with(subscriber) && other.spec.filter.is_none();
        if spec.filter.is_none()
            && let Some(other) = wanted[..at].iter().find(takes_all)
        {
            problems.push(format!(
                "`{}` and `{name}` both listen to `{}` in the group `{group}`, so each would miss what the other gets: \
                 give one of them a group of its own, or a `filter`",
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
