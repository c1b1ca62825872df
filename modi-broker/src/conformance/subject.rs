//! What the suite is run against, and what that claims.

use crate::Broker;
use crate::contract::{Abilities, Capabilities, OrderScope};
use futures_util::future::BoxFuture;
use std::fmt;
use std::time::Duration;

/// What the suite is run against: an adapter with a server, or a profile of the broker in memory.
///
/// Every test gets a runtime, a prefix for its names and connections of its own, so tests can share one server.
pub trait Subject: Send + Sync + 'static {
    /// What lines of output call it.
    fn name(&self) -> &str;

    /// The broker. It is called once for each test.
    fn broker(&self) -> Broker;

    /// What it must claim, no more and no less: a wrong claim fails.
    fn claims(&self) -> Claims;

    /// Which clock the tests run on. By default the real one.
    fn clock(&self) -> Clock {
        Clock::Real
    }

    /// A server for one test alone, which may do to it what it likes. `None` skips the tests that need one, and has to be
    /// said in [`Subject::lacks`].
    fn server(&self) -> Option<Box<dyn Server>> {
        None
    }

    /// The hooks that are missing. A test that needs another one and does not get it fails.
    fn lacks(&self) -> &[Hook] {
        &Hook::ALL
    }
}

/// A server that a test has for itself. Each method but the first is a [`Hook`]: `None` where there is no such thing.
pub trait Server: Send + Sync {
    /// The broker that it serves.
    fn broker(&self) -> Broker;

    /// Ends its process without a word, as `kill -9` does, and starts it again on what it has kept. Ready when the server
    /// is.
    fn crash(&self) -> Option<BoxFuture<'_, ()>> {
        None
    }

    /// Lets another server lead the partitions that this one leads, where there are several.
    fn move_leader(&self) -> Option<BoxFuture<'_, ()>> {
        None
    }

    /// The same broker with other ways of being a member of a group: static, eager, cooperative, by the newer protocol.
    fn variants(&self) -> Option<Vec<Broker>> {
        None
    }

    /// The same broker with credentials that the server does not take, and the part of them that is secret.
    fn intruder(&self) -> Option<(Broker, &'static str)> {
        None
    }
}

/// What a test may need of the world around a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hook {
    /// [`Server::crash`].
    Crash,
    /// [`Server::move_leader`].
    MoveLeader,
    /// [`Server::variants`].
    Variants,
    /// [`Server::intruder`].
    Intruder,
}

impl Hook {
    /// Every hook.
    pub const ALL: [Self; 4] = [Self::Crash, Self::MoveLeader, Self::Variants, Self::Intruder];
}

/// Which clock the tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The real one: for brokers outside of the process.
    Real,
    /// One that moves when every task waits: for a broker that keeps its time by tokio's clock.
    Paused,
}

/// What a broker is expected to claim: see [`Capabilities`] and [`Abilities`], whose names these are.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "they are documented there")]
#[expect(clippy::struct_excessive_bools, reason = "each is a claim of its own")]
pub struct Claims {
    pub at_least_once: bool,
    pub durable: bool,
    pub earliest: bool,
    pub latest: bool,
    pub counts_attempts: bool,
    pub delayed_release: bool,
    pub single_release: bool,
    pub order_scope: OrderScope,
    pub patterns: bool,
    pub confirms: bool,
    pub delay: bool,
    pub partition: bool,
    pub request: bool,
    pub tombstones: bool,
    pub dedupe: bool,
    pub largest: Option<usize>,
    /// [`Connection::lag`](crate::contract::Connection::lag) tells a number.
    pub lag: bool,
    /// Members are dealt whole lanes, which are taken away when another one joins.
    pub deals_lanes: bool,
    /// What was handed out has to be settled, or kept up, within this; `None` where it may take as long as it likes.
    pub lease: Option<Duration>,
    /// How long it takes at most until others get what a member had in hand that ended without a word.
    pub takeover: Duration,
}

impl Claims {
    /// Everything, at once, without limits.
    pub const ALL: Self = Self {
        at_least_once: true,
        durable: true,
        earliest: true,
        latest: true,
        counts_attempts: true,
        delayed_release: true,
        single_release: true,
        order_scope: OrderScope::Partition,
        patterns: true,
        confirms: true,
        delay: true,
        partition: true,
        request: true,
        tombstones: true,
        dedupe: true,
        largest: None,
        lag: true,
        deals_lanes: false,
        lease: None,
        takeover: Duration::from_secs(30),
    };

    /// What is claimed of subscriptions in another way than is expected here.
    pub(super) fn differs(&self, claimed: &Capabilities, abilities: &Abilities) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, expected: String, found: String| {
            if expected != found {
                differences.push(format!("`{what}` is {found}, and {expected} is expected"));
            }
        };
        macro_rules! compare {
            ($of:ident: $($name:ident)*) => {
                $(compare(stringify!($name), format!("{:?}", self.$name), format!("{:?}", $of.$name));)*
            };
        }
        compare!(claimed: at_least_once durable earliest latest counts_attempts delayed_release);
        compare!(claimed: single_release order_scope patterns);
        compare!(abilities: confirms delay partition request tombstones dedupe largest);
        differences
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crash => "a server that can be killed",
            Self::MoveLeader => "a leader that can be moved",
            Self::Variants => "other ways of being a member",
            Self::Intruder => "credentials that are refused",
        })
    }
}
