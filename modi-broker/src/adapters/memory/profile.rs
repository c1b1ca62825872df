//! What the broker in memory can be like: itself, or the limits of one of the others.

use crate::contract::{Abilities, Capabilities, OrderScope, SettleResult, SubscribeOptions};
use std::time::Duration;

/// Whose limits a [`MemoryBroker`](crate::MemoryBroker) has.
///
/// A profile answers as the live broker does with Modi's adapter, so that what it cannot do shows in a test. It keeps
/// nothing beyond the process, whatever [`Capabilities::durable`] says for the live one.
///
/// | | native | Kafka | RabbitMQ | Redis | JetStream | core NATS |
/// |---|---|---|---|---|---|---|
/// | at least once | yes | yes | yes | yes | yes | **no** |
/// | a group finds what was published before it | yes | yes | **no** | yes | yes | **no** |
/// | order per key reaches | the group | the group | a process | a process | a process | a process |
/// | attempts are counted | yes | **no** | yes | yes | yes | **no** |
/// | one message can be released | yes | **no** | yes | yes | yes | **no** |
/// | released after a delay | yes | no | no | no | yes | no |
/// | settling is answered | settled | deferred | sent | settled | sent | sent |
/// | patterns | yes | yes | yes | no | yes | yes |
/// | delayed publishing | yes | no | no | no | no | no |
/// | partitions | no | yes | no | no | no | no |
/// | requests | yes | no | yes | no | yes | yes |
/// | a message without a payload | yes | yes | no | yes | no | no |
/// | one of several with the same id | no | no | no | no | yes, for 2 minutes | no |
/// | largest message | any | 1 MiB | 16 MiB | 512 MiB | 1 MiB | 1 MiB |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryProfile {
    /// No limits of another broker: a log for each topic, shared by the members of a group.
    #[default]
    Native,
    /// Partitions, each read by one member of a group at a time, which commits how far it is done.
    Kafka,
    /// A queue for each group, bound when the group first subscribes.
    RabbitMq,
    /// A stream, and for each group the list of what is pending.
    Redis,
    /// A stream with durable consumers.
    JetStream,
    /// Subjects without memory: who listens gets it, at most once.
    Core,
}

/// A profile as rules for the rest of this folder.
#[derive(Debug)]
pub(super) struct Rules {
    /// What its errors call it.
    pub(super) name: &'static str,
    pub(super) at_least_once: bool,
    durable: bool,
    /// A new group begins at the oldest message that is kept, unless it asks for the next.
    pub(super) earliest: bool,
    /// A topic is as many logs, and a member of a group reads whole ones.
    pub(super) partitions: u32,
    pub(super) counts_attempts: bool,
    pub(super) single_release: bool,
    pub(super) delayed_release: bool,
    /// No two members of a group have messages with one key.
    pub(super) keeps_keys: bool,
    /// To [`Verdict::Done`](crate::contract::Verdict::Done).
    pub(super) answer: SettleResult,
    pub(super) patterns: bool,
    pub(super) delay: bool,
    pub(super) request: bool,
    pub(super) tombstones: bool,
    /// How long an id is remembered.
    pub(super) dedupe: Option<Duration>,
    pub(super) largest: Option<usize>,
    pub(super) receipt: Telling,
    /// It has a place for every publication, and one log a topic: nothing has to be looked at.
    pub(super) carries_all: bool,
    /// Settle at the limit divided by this, or after so long.
    settle_share: usize,
    linger: Duration,
}

/// What a receipt tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    Position,
    Partition,
    Id,
    Nothing,
}

const MIB: usize = 1 << 20;

const NATIVE: Rules = Rules {
    name: "memory",
    at_least_once: true,
    durable: false,
    earliest: true,
    partitions: 0,
    counts_attempts: true,
    single_release: true,
    delayed_release: true,
    keeps_keys: true,
    answer: SettleResult::Settled,
    patterns: true,
    delay: true,
    request: true,
    tombstones: true,
    dedupe: None,
    largest: None,
    receipt: Telling::Position,
    carries_all: true,
    settle_share: 4,
    linger: Duration::ZERO,
};

const KAFKA: Rules = Rules {
    name: "Kafka",
    durable: true,
    partitions: 4,
    counts_attempts: false,
    single_release: false,
    delayed_release: false,
    answer: SettleResult::Deferred,
    delay: false,
    request: false,
    largest: Some(MIB),
    receipt: Telling::Partition,
    carries_all: false,
    settle_share: 1,
    linger: Duration::from_millis(5),
    ..NATIVE
};

const RABBITMQ: Rules = Rules {
    name: "RabbitMQ",
    durable: true,
    earliest: false,
    delayed_release: false,
    keeps_keys: false,
    answer: SettleResult::Sent,
    delay: false,
    tombstones: false,
    largest: Some(16 * MIB),
    receipt: Telling::Nothing,
    carries_all: false,
    settle_share: 2,
    linger: Duration::from_millis(5),
    ..NATIVE
};

const REDIS: Rules = Rules {
    name: "Redis",
    durable: true,
    delayed_release: false,
    keeps_keys: false,
    patterns: false,
    delay: false,
    request: false,
    largest: Some(512 * MIB),
    receipt: Telling::Id,
    carries_all: false,
    settle_share: 2,
    linger: Duration::from_millis(2),
    ..NATIVE
};

const JETSTREAM: Rules = Rules {
    name: "JetStream",
    durable: true,
    keeps_keys: false,
    answer: SettleResult::Sent,
    delay: false,
    tombstones: false,
    dedupe: Some(Duration::from_secs(120)),
    largest: Some(MIB),
    carries_all: false,
    linger: Duration::from_millis(1),
    ..NATIVE
};

const CORE: Rules = Rules {
    name: "core NATS",
    at_least_once: false,
    earliest: false,
    counts_attempts: false,
    single_release: false,
    delayed_release: false,
    keeps_keys: false,
    answer: SettleResult::Sent,
    delay: false,
    tombstones: false,
    largest: Some(MIB),
    receipt: Telling::Nothing,
    carries_all: false,
    linger: Duration::ZERO,
    ..NATIVE
};

impl MemoryProfile {
    /// Every profile.
    pub const ALL: [Self; 6] = [Self::Native, Self::Kafka, Self::RabbitMq, Self::Redis, Self::JetStream, Self::Core];

    pub(super) fn rules(self) -> &'static Rules {
        match self {
            Self::Native => &NATIVE,
            Self::Kafka => &KAFKA,
            Self::RabbitMq => &RABBITMQ,
            Self::Redis => &REDIS,
            Self::JetStream => &JETSTREAM,
            Self::Core => &CORE,
        }
    }
}

impl Rules {
    pub(super) fn capabilities(&self, options: &SubscribeOptions) -> Capabilities {
        Capabilities {
            at_least_once: self.at_least_once,
            durable: self.durable,
            earliest: self.earliest,
            latest: true,
            counts_attempts: self.counts_attempts,
            delayed_release: self.delayed_release,
            single_release: self.single_release,
            order_scope: if self.keeps_keys { OrderScope::Partition } else { OrderScope::Process },
            patterns: self.patterns,
            settle_at: (options.limit.messages / self.settle_share).max(1),
            linger: self.linger,
        }
    }

    pub(super) fn abilities(&self) -> Abilities {
        Abilities {
            confirms: self.at_least_once,
            delay: self.delay,
            partition: self.partitions > 0,
            request: self.request,
            tombstones: self.tombstones,
            dedupe: self.dedupe.is_some(),
            largest: self.largest,
        }
    }
}
