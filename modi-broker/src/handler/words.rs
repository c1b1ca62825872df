//! The words that a spec chooses from.

/// When a message is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ack {
    /// When its handler has succeeded and what that published is confirmed. A crash repeats messages, and loses none.
    #[default]
    Handled,
    /// When it is received. A crash loses what was being handled.
    Received,
}

/// What becomes of a message that cannot be handled: its retries are used up, it was rejected, or it cannot be decoded.
///
/// The first two wait up to a second for other messages, which tell whether nothing succeeds any more: then the message stays
/// where it is. The others act at once, so that nothing of its lane, or with its key, is handled after a message that stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// It goes to the dead letters, confirmed. Nothing is lost, and nothing is in the way.
    #[default]
    DeadLetter,
    /// It is acknowledged, and counted among the dropped ones. The log says so.
    Drop,
    /// It stays with the broker, and the subscriber ends: nothing of its topic is handled until somebody has looked. The
    /// application goes on, and is not ready.
    Stop,
    /// It stays with the broker, and the subscriber begins anew after a while.
    Restart,
    /// It stays with the broker, and the application stops with the error.
    StopApp,
}

/// Whether dead letters tell the error: its text, its causes and its type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Errors {
    /// They do.
    #[default]
    On,
    /// They tell only of which kind the failure was: where errors may quote what must not be kept.
    Off,
}

/// What keeps its order where several messages are handled side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// The messages of one lane: a partition, queue, stream or subject. Different lanes overlap. The broker in memory has
    /// one lane a topic.
    #[default]
    Lane,
    /// The messages with one key; different keys overlap. Messages without a key keep the order of their lane.
    Key,
    /// Nothing: every message may overtake every other.
    None,
}

impl FailurePolicy {
    /// The message stays with the broker.
    pub(crate) const fn keeps(self) -> bool {
        matches!(self, Self::Stop | Self::Restart | Self::StopApp)
    }
}
