//! A message that could not be handled, with what is known about why: the same on every broker.

use crate::handler::{About, Errors};
use crate::message::millis;
use crate::observe::parent;
use crate::pipeline::{Failure, Story};
use crate::redelivery::{time, trace};
use crate::{Headers, Message, TraceParent, wire};
use bytes::Bytes;
use std::time::SystemTime;

/// What kind of failure ended in a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// Every attempt returned an error.
    Error,
    /// The handler said that it can never succeed.
    Reject,
    /// The payload or another argument could not be taken from the message.
    Decode,
    /// The last attempt panicked.
    Panic,
    /// The last attempt missed its deadline.
    Deadline,
    /// It was handed out more than ten times, and its handler never came to an end: it may end the process.
    Crash,
    /// No handler of its subscription takes it: see [`Spec::filter`](crate::Spec::filter).
    Unhandled,
}

impl FailureKind {
    const ALL: [Self; 7] =
        [Self::Error, Self::Reject, Self::Decode, Self::Panic, Self::Deadline, Self::Crash, Self::Unhandled];

    /// As the header says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Reject => "reject",
            Self::Decode => "decode",
            Self::Panic => "panic",
            Self::Deadline => "deadline",
            Self::Crash => "crash",
            Self::Unhandled => "unhandled",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A dead letter, read back: the message as it was, and what the pipeline added.
///
/// ```
/// use modi_broker::{DeadLetter, Message, wire};
///
/// assert!(DeadLetter::read(Message::new("an ordinary message")).is_none());
/// let letter = Message::new("?").with_header(wire::DEAD_KIND, "decode").with_header(wire::DEAD_TOPIC, "orders");
/// assert_eq!(DeadLetter::read(letter).map(|letter| letter.topic), Some("orders".to_owned()));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The message, without the headers of the dead letter.
    pub message: Message,
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// The error and its causes. Empty where the subscriber does not tell them: [`Spec::errors`](crate::Spec::errors).
    pub error: String,
    /// The type of the error, as the compiler calls it.
    pub error_type: Option<String>,
    /// How many attempts were made.
    pub attempts: u32,
    /// Where it came from.
    pub topic: String,
    /// Where it was, as the broker names it.
    pub source: Option<String>,
    /// The group that could not handle it.
    pub group: String,
    /// The handler that could not, as `Module::handler`.
    pub subscriber: String,
    /// The application's name.
    pub service: String,
    /// When the first attempt failed.
    pub first_failure: Option<SystemTime>,
    /// When the last attempt failed.
    pub last_failure: Option<SystemTime>,
    /// The span of the last attempt, or what the message said.
    pub trace: Option<TraceParent>,
}

/// The headers of a dead letter, with the most bytes that each value may have. With their names they stay below 4 KiB.
const ADDED: [(&str, usize); 13] = [
    (wire::DEAD_KIND, 16),
    (wire::DEAD_ERROR, 1536),
    (wire::DEAD_ERROR_TYPE, 256),
    (wire::DEAD_TOPIC, 256),
    (wire::DEAD_SOURCE, 256),
    (wire::DEAD_GROUP, 128),
    (wire::DEAD_SUBSCRIBER, 256),
    (wire::DEAD_ATTEMPTS, 16),
    (wire::DEAD_FIRST_FAILURE, 24),
    (wire::DEAD_LAST_FAILURE, 24),
    (wire::DEAD_SERVICE, 128),
    (wire::DEAD_MESSAGE_ID, 256),
    (wire::DEAD_TRACEPARENT, 56),
];

/// Ends a text that was too long.
const MARK: &str = "…";

impl DeadLetter {
    /// Reads a message from a dead-letter topic; `None` for one that the pipeline did not write.
    pub fn read(message: Message) -> Option<Self> {
        let text = |name| message.headers().text(name).unwrap_or_default().to_owned();
        let some = |name| message.headers().text(name).map(str::to_owned);
        let time = |name| time(message.headers(), name);
        Some(Self {
            kind: FailureKind::read(&text(wire::DEAD_KIND))?,
            error: text(wire::DEAD_ERROR),
            error_type: some(wire::DEAD_ERROR_TYPE),
            source: some(wire::DEAD_SOURCE),
            attempts: text(wire::DEAD_ATTEMPTS).parse().unwrap_or(0),
            topic: text(wire::DEAD_TOPIC),
            group: text(wire::DEAD_GROUP),
            subscriber: text(wire::DEAD_SUBSCRIBER),
            service: text(wire::DEAD_SERVICE),
            first_failure: time(wire::DEAD_FIRST_FAILURE),
            last_failure: time(wire::DEAD_LAST_FAILURE),
            trace: trace(message.headers(), wire::DEAD_TRACEPARENT),
            message: without(message),
        })
    }
}

fn without(mut message: Message) -> Message {
    if !message.headers().is_empty() {
        ADDED.iter().for_each(|(name, _)| message.headers_mut().remove(name));
    }
    message
}

/// What a dead letter tells about a message.
pub(crate) struct Letter<'a> {
    pub(crate) story: Story,
    pub(crate) failure: &'a Failure,
    pub(crate) about: &'a About,
    /// Where the message was.
    pub(crate) source: Option<String>,
}

impl Letter<'_> {
    /// The dead letter of a message: payload, key and headers byte for byte. A message that was a dead letter before loses
    /// what that time said about it.
    pub(crate) fn write(&self, message: &Message) -> Message {
        let Self { story, failure, about, source } = self;
        let mut letter = without(message.clone());
        letter.set_retried(None);
        let tells = about.errors == Errors::On;
        let values = [
            failure.kind.as_str().to_owned(),
            if tells { format!("{:#}", failure.error) } else { String::new() },
            failure.error.type_name().filter(|_| tells).unwrap_or_default().to_owned(),
            message.topic().unwrap_or(&about.topic).to_string(),
            source.clone().unwrap_or_default(),
            about.group.to_string(),
            about.name.clone(),
            story.attempts.to_string(),
            millis(story.first_failure).to_string(),
            millis(story.last_failure).to_string(),
            about.service.to_string(),
            message.id().unwrap_or_default().to_owned(),
            story.trace.or_else(|| parent(message)).map(|trace| trace.to_string()).unwrap_or_default(),
        ];
        for ((name, most), value) in ADDED.into_iter().zip(values) {
            add(letter.headers_mut(), name, &value, most);
        }
        letter
    }
}

fn add(headers: &mut Headers, name: &'static str, value: &str, most: usize) {
    if !value.is_empty() {
        headers.append(name, Bytes::from(cut(value, most)));
    }
}

/// One line of at most so many bytes: not every broker takes line breaks in a header.
fn cut(text: &str, most: usize) -> String {
    let mut line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if line.len() > most {
        let mut end = most - MARK.len();
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push_str(MARK);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_headers_together_stay_below_4_kib() {
        let most: usize = ADDED.iter().map(|(name, most)| name.len() + most).sum();
        assert!(most <= 4096, "{most}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_marked() {
        assert_eq!(cut("short", 16), "short");
        let long = cut(&"ä".repeat(100), 16);
        assert_eq!(long, "ääääää…");
        assert!(long.len() <= 16);
        assert_eq!(cut(&"a".repeat(17), 16).len(), 16);
        assert_eq!(cut(&"a".repeat(16), 16), "a".repeat(16));
    }

    #[test]
    fn a_text_of_several_lines_becomes_one() {
        assert_eq!(cut("one\r\ntwo", 16), "one  two");
    }

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        for kind in FailureKind::ALL {
            assert_eq!(FailureKind::read(kind.as_str()), Some(kind));
        }
        assert_eq!(FailureKind::read("other"), None);
    }
}
