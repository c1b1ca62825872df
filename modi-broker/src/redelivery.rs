//! A copy of a message that comes again later, and what it tells about the attempts before it.

use crate::contract::Delivery;
use crate::message::millis;
use crate::{Headers, Message, TraceParent, wire};
use std::time::{Duration, SystemTime};

/// What is known of the attempts before a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retried {
    /// How many there were.
    pub(crate) attempts: u32,
    /// How many delays of `redeliver` were taken.
    pub(crate) step: u32,
    /// Attempts that failed since the last of them.
    pub(crate) failures: u32,
    pub(crate) first_failure: SystemTime,
    /// Where the original was.
    pub(crate) source: Option<String>,
    /// The span of the last one.
    pub(crate) trace: Option<TraceParent>,
}

const NAMES: [&str; 7] = [
    wire::RETRY_ATTEMPTS,
    wire::RETRY_STEP,
    wire::RETRY_FAILURES,
    wire::RETRY_FIRST_FAILURE,
    wire::RETRY_TOPIC,
    wire::RETRY_SOURCE,
    wire::RETRY_TRACEPARENT,
];

/// The copy of a message: what it is, and what is known of the attempts at it.
pub(crate) fn copy(message: &Message, retried: &Retried) -> Message {
    let Retried { attempts, step, failures, first_failure, source, trace } = retried;
    let topic = message.topic().map(ToString::to_string);
    let mut copy = message.clone();
    copy.set_retried(None);
    let headers = copy.headers_mut();
    NAMES.iter().for_each(|name| headers.remove(name));
    headers.append(wire::RETRY_ATTEMPTS, attempts.to_string());
    headers.append(wire::RETRY_STEP, step.to_string());
    headers.append(wire::RETRY_FAILURES, failures.to_string());
    headers.append(wire::RETRY_FIRST_FAILURE, millis(*first_failure).to_string());
    if let Some(topic) = topic {
        headers.append(wire::RETRY_TOPIC, topic);
    }
    if let Some(source) = source {
        headers.append(wire::RETRY_SOURCE, source.clone());
    }
    if let Some(trace) = trace {
        headers.append(wire::RETRY_TRACEPARENT, trace.to_string());
    }
    copy
}

/// A message that comes again as if for the first time, at once. It tells which topic of several it came from.
pub(crate) fn fresh(mut message: Message, came_from: &str, topic: &str) -> Message {
    if came_from != topic && !came_from.is_empty() {
        message.headers_mut().set(wire::RETRY_ATTEMPTS, "0");
        message.headers_mut().set(wire::RETRY_TOPIC, came_from.to_owned());
    }
    message
}

/// Takes what a copy tells out of its headers, so that a handler sees the message as it was published, and goes on counting
/// its attempts.
#[inline]
pub(crate) fn unpack(delivery: &mut Delivery) {
    // A message that went through this process may still know what another subscriber knew of it.
    if delivery.message.retried().is_some() || delivery.message.headers().get(wire::RETRY_ATTEMPTS).is_some() {
        read(delivery);
    }
}

#[cold]
fn read(delivery: &mut Delivery) {
    let message = &mut delivery.message;
    let retried = message.headers().get(wire::RETRY_ATTEMPTS).map(|_| {
        let headers = message.headers();
        Retried {
            attempts: number(headers, wire::RETRY_ATTEMPTS),
            step: number(headers, wire::RETRY_STEP),
            failures: number(headers, wire::RETRY_FAILURES),
            first_failure: time(headers, wire::RETRY_FIRST_FAILURE).unwrap_or_else(SystemTime::now),
            source: headers.text(wire::RETRY_SOURCE).map(str::to_owned),
            trace: trace(headers, wire::RETRY_TRACEPARENT),
        }
    });
    if let Some(topic) = message.headers().text(wire::RETRY_TOPIC).map(str::to_owned) {
        message.set_topic(topic);
    }
    if let Some(retried) = &retried {
        delivery.attempt = delivery.attempt.saturating_add(retried.attempts);
        NAMES.iter().for_each(|name| message.headers_mut().remove(name));
    }
    message.set_retried(retried.filter(|retried| retried.attempts > 0));
}

fn number(headers: &Headers, name: &str) -> u32 {
    headers.text(name).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A header that is milliseconds since 1970.
pub(crate) fn time(headers: &Headers, name: &str) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(headers.text(name)?.parse().ok()?))
}

/// A header in the format of `traceparent`.
pub(crate) fn trace(headers: &Headers, name: &str) -> Option<TraceParent> {
    TraceParent::read(headers.get(name)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Lease;
    use proptest::prelude::*;

    fn delivery(message: Message) -> Delivery {
        Delivery { message, attempt: 1, lease: Lease { lane: 0, words: [0; 2] } }
    }

    fn unpacked(message: Message) -> Delivery {
        let mut delivery = delivery(message);
        unpack(&mut delivery);
        delivery
    }

    proptest! {
        #[test]
        fn a_copy_comes_back_as_the_message_that_it_was_with_what_is_known_of_it(
            (attempts, step, failures, millis) in (1..1_000_u32, 0..9_u32, 0..9_u32, 0..4_000_000_000_000_u64),
            trace in prop::option::of(Just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
            source in prop::option::of("[a-z]{1,9}/[0-9]{1,9}"),
            names in prop::collection::vec("[a-z-]{1,12}", 0..5),
            topic in prop::option::of("[a-z.]{1,9}"),
        ) {
            let first_failure = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
            let trace = trace.and_then(|trace| TraceParent::read(trace.as_bytes()).ok());
            let retried = Retried { attempts, step, failures, first_failure, source, trace };
            let mut message = Message::new("x").with_key("k").with_id("7");
            names.iter().for_each(|name| message.headers_mut().append(name.clone(), vec![0xff]));
            if let Some(topic) = &topic {
                message.set_topic(&**topic);
            }
            // Twice: a copy of a copy has each header once.
            let first = unpacked(copy(&message, &Retried { attempts: 1, ..retried.clone() })).message;
            let again = copy(&first, &retried);
            let optional = [topic.is_some(), trace.is_some(), retried.source.is_some()].into_iter().filter(|is| *is).count();
            prop_assert_eq!(again.headers().len(), names.len() + 4 + optional);
            let Delivery { message: back, attempt, .. } = unpacked(again);
            prop_assert_eq!(&back, &message);
            prop_assert_eq!(back.topic().map(ToString::to_string), topic);
            prop_assert_eq!((back.retried(), attempt), (Some(&retried), 1 + attempts));
        }
    }

    #[test]
    fn what_comes_as_if_for_the_first_time_tells_its_topic_only_where_there_are_several() {
        let message = Message::new("x").with_header("own", "1");
        assert_eq!(fresh(message.clone(), "logs", "logs"), message);
        let back = unpacked(fresh(message.clone(), "logs.error", "logs.{level}"));
        assert_eq!((&back.message, back.attempt, back.message.retried()), (&message, 1, None));
        assert_eq!(back.message.topic().map(|topic| &**topic), Some("logs.error"));
    }

    #[test]
    fn what_another_subscriber_knew_of_a_message_is_forgotten() {
        let retried = Retried {
            attempts: 4,
            step: 1,
            failures: 0,
            first_failure: SystemTime::UNIX_EPOCH,
            source: None,
            trace: None,
        };
        let known = unpacked(copy(&Message::new("x"), &retried)).message;
        let other = unpacked(known);
        assert_eq!((other.attempt, other.message.retried()), (1, None));
    }

    #[test]
    fn what_cannot_be_read_counts_as_nothing() {
        let strange = Message::new("x").with_header(wire::RETRY_ATTEMPTS, "many").with_header("own", "1");
        let delivery = unpacked(strange);
        assert_eq!((delivery.attempt, delivery.message.headers().len()), (1, 1));
        let most = Message::new("x").with_header(wire::RETRY_ATTEMPTS, u32::MAX.to_string());
        assert_eq!(unpacked(most).attempt, u32::MAX);
    }
}
