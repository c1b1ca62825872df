//! From one message to the next: reading and writing the headers of a trace.

use super::trace::TraceParent;
use crate::{Headers, Message, wire};
use bytes::Bytes;

/// What a message that is caused by another one says about the trace: the two headers, ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    parent: Bytes,
    state: Option<Bytes>,
}

impl Carried {
    /// What follows from a message: in the span of the attempt at it, or, where nobody wants that span, as it came.
    pub(crate) fn of(message: &Message, span: Option<TraceParent>) -> Option<Self> {
        let headers = message.headers();
        if headers.is_empty() && span.is_none() {
            return None;
        }
        let came = valid(headers);
        let parent = match span {
            Some(span) => span.to_string().into(),
            None => came?.0.clone(),
        };
        Some(Self { parent, state: came.and_then(|_| state(headers)) })
    }

    /// A message that says already where it belongs is left as it is.
    pub(crate) fn mark(&self, headers: &mut Headers) {
        if headers.get(wire::TRACEPARENT).is_some() {
            return;
        }
        headers.append(wire::TRACEPARENT, self.parent.clone());
        if let Some(state) = &self.state {
            headers.set(wire::TRACESTATE, state.clone());
        }
    }
}

/// The context that a message came with; without one, that of the attempts before it. Two of them are none, and so is one that cannot be read.
pub(crate) fn parent(message: &Message) -> Option<TraceParent> {
    let own = valid(message.headers()).map(|(_, parent)| parent);
    own.or_else(|| message.retried()?.trace)
}

fn valid(headers: &Headers) -> Option<(&Bytes, TraceParent)> {
    let mut all = headers.all(wire::TRACEPARENT);
    let header = all.next()?;
    match all.next() {
        None => Some((header, TraceParent::read(header).ok()?)),
        Some(_) => None,
    }
}

/// What other systems keep about the trace, unchanged. Several headers are one list.
fn state(headers: &Headers) -> Option<Bytes> {
    let mut all = headers.all(wire::TRACESTATE);
    let first = all.next()?;
    let whole = match all.next() {
        None => first.clone(),
        Some(second) => {
            let mut joined = [first, second].map(|part| &part[..]).join(&b","[..]);
            all.for_each(|part| joined.extend([b",", &part[..]].concat()));
            joined.into()
        }
    };
    is_list(&whole).then_some(whole)
}

/// Whether it is a list of `key=value` with at most 32 members, each key once.
fn is_list(state: &[u8]) -> bool {
    let mut keys = Vec::new();
    for member in state.split(|byte| *byte == b',') {
        let member = member.trim_ascii();
        // Empty members are allowed.
        if member.is_empty() {
            continue;
        }
        let Some(at) = member.iter().position(|byte| *byte == b'=') else { return false };
        let (key, value) = (&member[..at], &member[at + 1..]);
        if !is_key(key) || !is_value(value) || keys.contains(&key) || keys.len() == 32 {
            return false;
        }
        keys.push(key);
    }
    !keys.is_empty()
}

fn is_key(key: &[u8]) -> bool {
    let starts = key.first().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
    let goes_on = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(byte);
    starts && key.len() <= 256 && key.iter().all(goes_on)
}

fn is_value(value: &[u8]) -> bool {
    !value.is_empty() && value.len() <= 256 && value.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn traced() -> Message {
        Message::new("x").with_header(wire::TRACEPARENT, PARENT)
    }

    /// What a message says about its trace after it was marked.
    fn marked(message: Message, from: &Message, span: Option<TraceParent>) -> (Option<String>, Option<String>) {
        let mut message = message;
        if let Some(carried) = Carried::of(from, span) {
            carried.mark(message.headers_mut());
        }
        let text = |name| message.headers().text(name).map(str::to_owned);
        (text(wire::TRACEPARENT), text(wire::TRACESTATE))
    }

    #[test]
    fn without_a_span_the_context_goes_on_as_it_came() {
        let from = traced().with_header(wire::TRACESTATE, "vendor=1, other=2");
        let expected = (Some(PARENT.to_owned()), Some("vendor=1, other=2".to_owned()));
        assert_eq!(marked(Message::new("y"), &from, None), expected);
        assert_eq!(marked(Message::new("y"), &Message::new("x"), None), (None, None));
    }

    #[test]
    fn a_span_is_the_parent_of_what_follows_and_the_state_stays() {
        let span = TraceParent::root();
        let from = traced().with_header(wire::TRACESTATE, "vendor=1");
        let expected = (Some(span.to_string()), Some("vendor=1".to_owned()));
        assert_eq!(marked(Message::new("y"), &from, Some(span)), expected);
        assert_eq!(marked(Message::new("y"), &Message::new("x"), Some(span)), (Some(span.to_string()), None));
    }

    #[test]
    fn a_message_that_says_where_it_belongs_keeps_it() {
        let own = TraceParent::root().to_string();
        let message = Message::new("y").with_header(wire::TRACEPARENT, own.clone());
        assert_eq!(marked(message, &traced(), Some(TraceParent::root())), (Some(own), None));
    }

    #[test]
    fn a_context_that_cannot_be_read_is_none_and_its_state_is_not_looked_at() {
        let broken = Message::new("x").with_header(wire::TRACEPARENT, "nonsense").with_header(wire::TRACESTATE, "a=1");
        let twice = traced().with_header(wire::TRACEPARENT, PARENT);
        for message in [broken, twice] {
            assert_eq!(parent(&message), None);
            assert_eq!(marked(Message::new("y"), &message, None), (None, None));
            let span = TraceParent::root();
            assert_eq!(marked(Message::new("y"), &message, Some(span)), (Some(span.to_string()), None));
        }
    }

    #[test]
    fn a_state_in_several_headers_is_one_list() {
        let from = ["a=1", "b=2", "c=3"]
            .into_iter()
            .fold(traced(), |message, state| message.with_header(wire::TRACESTATE, state));
        assert_eq!(marked(Message::new("y"), &from, None).1.as_deref(), Some("a=1,b=2,c=3"));
    }

    #[test]
    fn a_state_that_is_no_list_is_left_out_and_the_parent_is_not() {
        let many = (0..33).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        for state in ["", " , ", "novalue", "=v", "A=1", "a=1,a=2", "a=b=c", "a=\u{e4}", "a=", &many] {
            let from = traced().with_header(wire::TRACESTATE, state.to_owned());
            assert_eq!(marked(Message::new("y"), &from, None), (Some(PARENT.to_owned()), None), "{state}");
        }
    }

    proptest! {
        #[test]
        fn a_state_that_is_a_list_goes_on_byte_for_byte(members in prop::collection::btree_map("[a-z][a-z0-9@_]{0,9}", "[!-+\\--<>-~]{1,20}", 1..33)) {
            let state = members.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
            let from = traced().with_header(wire::TRACESTATE, state.clone());
            prop_assert_eq!(marked(Message::new("y"), &from, None).1, Some(state));
        }
    }
}
