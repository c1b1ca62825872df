//! Where the results of a handler go.

use crate::contract::Place;
use std::sync::Arc;

/// As it is written in the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Results {
    /// Nowhere.
    None,
    Topic(&'static str),
    /// Each result to all of them.
    Topics(&'static [&'static str]),
    /// To whoever asked.
    Reply,
    /// To topics and to whoever asked, which the compiler refuses.
    Both,
}

impl Results {
    /// Written behind `self`. Topics take the place of topics.
    pub(crate) const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Topic(_) | Self::Topics(_), Self::Reply) | (Self::Reply, Self::Topic(_) | Self::Topics(_)) => {
                Self::Both
            }
            (Self::Both, _) => Self::Both,
            (_, other) => other,
        }
    }

    pub(crate) const fn topics(&self) -> &[&'static str] {
        match self {
            Self::Topic(topic) => std::slice::from_ref(topic),
            Self::Topics(topics) => topics,
            Self::None | Self::Reply | Self::Both => &[],
        }
    }
}

/// Where one result goes.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    Topic(Arc<str>),
    /// An address of the broker.
    Reply(Arc<str>),
}

impl Destination {
    pub(crate) fn place(&self) -> Place<'_> {
        match self {
            Self::Topic(topic) => Place::Topic(topic),
            Self::Reply(address) => Place::Reply(address),
        }
    }
}
