//! A message as handlers, publishers and adapters see it.

use crate::correlation::{Chain, Correlation};
use crate::headers::Headers;
use crate::redelivery::Retried;
use crate::wire;
use bytes::Bytes;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A payload with what travels beside it.
///
/// Cloning is cheap: payload and key are counted references, and what most messages lack (headers, id, content type)
/// sits behind one pointer.
///
/// ```
/// use modi_broker::Message;
///
/// let message = Message::new("hello").with_key("order_7").with_header("tenant", "acme");
/// assert_eq!(message.payload().map(|payload| &payload[..]), Some(&b"hello"[..]));
/// assert_eq!(message.headers().text("tenant"), Some("acme"));
/// assert!(Message::tombstone().payload().is_none()); // absent, which is not empty
/// ```
#[derive(Clone)]
pub struct Message {
    payload: Option<Bytes>,
    key: Option<Bytes>,
    /// Milliseconds since 1970, or [`NO_TIME`].
    timestamp: i64,
    /// Which of [`KNOWN`], or [`OTHER`]: what most messages declare needs no allocation.
    content_type: u8,
    /// How many publications from handlers led to this message. Known in memory only; tests find endless chains by it.
    hops: u16,
    correlation: Correlation,
    meta: Option<Arc<Meta>>,
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Meta {
    id: Option<Bytes>,
    content_type: Option<Bytes>,
    /// Where it is none that Modi made.
    correlation: Option<Bytes>,
    headers: Headers,
    /// Where it came from, where one subscription has several topics.
    topic: Option<Arc<str>>,
    reply_to: Option<Arc<str>>,
    /// What is known of earlier attempts, for a copy that came again.
    retried: Option<Box<Retried>>,
}

const NO_TIME: i64 = i64::MIN;
/// The content types that Modi writes; the first is none.
const KNOWN: [&str; 5] =
    ["", "application/json", "text/plain; charset=utf-8", "application/vnd.msgpack", "application/protobuf"];
const JSON: u8 = 1;
const OTHER: u8 = u8::MAX;
const NO_HEADERS: &Headers = &Headers::new();

impl Message {
    /// A message with this payload.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { payload: Some(payload.into()), ..Self::tombstone() }
    }

    /// A message without a payload: on a compacted topic it deletes its key.
    pub const fn tombstone() -> Self {
        Self {
            payload: None,
            key: None,
            timestamp: NO_TIME,
            content_type: 0,
            hops: 0,
            correlation: Correlation::NONE,
            meta: None,
        }
    }

    /// A message whose payload is `value` as JSON, and which says so.
    ///
    /// # Errors
    ///
    /// The value's own error, and a map whose keys are not text.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        let payload = serde_json::to_vec(value)?;
        Ok(Self { content_type: JSON, ..Self::new(payload) })
    }

    /// Sets the key: messages with one key keep their order.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the payload.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Bytes>) -> Self {
        self.payload = Some(payload.into());
        self
    }

    #[inline]
    pub(crate) fn set_payload(&mut self, payload: Bytes) {
        self.payload = Some(payload);
    }

    /// The same with a payload that is JSON.
    pub(crate) fn with_json(mut self, payload: Vec<u8>) -> Self {
        (self.payload, self.content_type) = (Some(payload.into()), JSON);
        self
    }

    /// The same with the payload of another message and what that declares.
    pub(crate) fn with_payload_of(mut self, other: &Self) -> Self {
        self.payload.clone_from(&other.payload);
        self.with_content_type(other.content_type().unwrap_or_default())
    }

    /// Sets the id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.meta_mut().id = Some(Bytes::from(id.into()));
        self
    }

    /// Adds a header behind those that are there.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Bytes>) -> Self {
        self.headers_mut().append(name, value);
        self
    }

    /// Sets the time, which is kept in milliseconds.
    #[must_use]
    pub fn with_timestamp(mut self, at: SystemTime) -> Self {
        self.timestamp = millis(at);
        self
    }

    /// Sets the content type.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl AsRef<str>) -> Self {
        let content_type = content_type.as_ref();
        let known = KNOWN.iter().position(|known| *known == content_type);
        self.content_type = known.and_then(|at| u8::try_from(at).ok()).unwrap_or(OTHER);
        if self.content_type == OTHER {
            self.meta_mut().content_type = Some(Bytes::copy_from_slice(content_type.as_bytes()));
        }
        self
    }

    /// Says which chain of messages it belongs to. What a handler publishes has that of the message in hand without being
    /// told.
    #[must_use]
    pub fn with_correlation_id(mut self, id: impl AsRef<str>) -> Self {
        self.set_chain(&Chain::parse(&Bytes::copy_from_slice(id.as_ref().as_bytes())));
        self
    }

    /// Says where an answer is to go: an address of the broker that carries the message.
    #[must_use]
    pub fn with_reply_to(mut self, address: impl Into<Arc<str>>) -> Self {
        self.meta_mut().reply_to = Some(address.into());
        self
    }

    /// Says which topic it came from, where that is not the subscription's: adapters do, for patterns.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<Arc<str>>) -> Self {
        self.set_topic(topic);
        self
    }

    /// The payload; `None` for a tombstone.
    #[inline]
    pub fn payload(&self) -> Option<&Bytes> {
        self.payload.as_ref()
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> Option<&Bytes> {
        self.key.as_ref()
    }

    /// The id that its publisher gave it.
    pub fn id(&self) -> Option<&str> {
        std::str::from_utf8(self.id_bytes()?).ok()
    }

    /// When it was published, where the publisher or the broker said so.
    pub fn timestamp(&self) -> Option<SystemTime> {
        let since = Duration::from_millis(self.timestamp.unsigned_abs());
        match self.timestamp {
            NO_TIME => None,
            0.. => SystemTime::UNIX_EPOCH.checked_add(since),
            _ => SystemTime::UNIX_EPOCH.checked_sub(since),
        }
    }

    /// What the publisher says that the payload is.
    #[inline]
    pub fn content_type(&self) -> Option<&str> {
        match self.content_type {
            0 => None,
            OTHER => std::str::from_utf8(self.meta.as_ref()?.content_type.as_ref()?).ok(),
            known => KNOWN.get(usize::from(known)).copied(),
        }
    }

    /// Which chain of messages it belongs to. Adapters write it as the header [`correlation-id`](wire::CORRELATION_ID), and
    /// read it from there.
    pub fn correlation_id(&self) -> Option<Cow<'_, str>> {
        if !self.correlation.is_none() {
            return Some(self.correlation.to_string().into());
        }
        std::str::from_utf8(self.correlation_text()?).ok().map(Cow::Borrowed)
    }

    /// Where an answer is to go, if one is wanted.
    pub fn reply_to(&self) -> Option<&str> {
        self.meta.as_ref()?.reply_to.as_deref()
    }

    /// Which topic it came from, where that is not the subscription's.
    pub fn topic(&self) -> Option<&Arc<str>> {
        self.meta.as_ref()?.topic.as_ref()
    }

    /// The headers.
    pub fn headers(&self) -> &Headers {
        self.meta.as_ref().map_or(NO_HEADERS, |meta| &meta.headers)
    }

    /// The headers, to change them.
    pub fn headers_mut(&mut self) -> &mut Headers {
        &mut self.meta_mut().headers
    }

    /// Everything but the payload.
    pub(crate) fn envelope(&self) -> Self {
        Self { payload: None, key: self.key.clone(), meta: self.meta.clone(), ..*self }
    }

    pub(crate) fn id_bytes(&self) -> Option<&Bytes> {
        self.meta.as_ref()?.id.as_ref()
    }

    pub(crate) fn hops(&self) -> u16 {
        self.hops
    }

    pub(crate) fn set_hops(&mut self, hops: u16) {
        self.hops = hops;
    }

    /// The chain that it says it belongs to.
    #[inline]
    pub(crate) fn chain(&self) -> Option<Chain> {
        if !self.correlation.is_none() {
            return Some(Chain::Number(self.correlation));
        }
        self.correlation_text().map(Chain::parse)
    }

    pub(crate) fn set_chain(&mut self, chain: &Chain) {
        match chain {
            Chain::Number(number) => self.correlation = *number,
            Chain::Text(text) => {
                self.correlation = Correlation::NONE;
                self.meta_mut().correlation = Some(text.clone());
            }
        }
    }

    /// Also where somebody has written the header by hand.
    fn correlation_text(&self) -> Option<&Bytes> {
        let meta = self.meta.as_ref()?;
        meta.correlation.as_ref().or_else(|| meta.headers.get(wire::CORRELATION_ID))
    }

    /// It is on its way to another topic.
    #[cold]
    pub(crate) fn forget_topic(&mut self) {
        self.meta_mut().topic = None;
    }

    pub(crate) fn reply_address(&self) -> Option<&Arc<str>> {
        self.meta.as_ref()?.reply_to.as_ref()
    }

    /// Of its payload, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.payload.as_ref().map_or(0, Bytes::len)
    }

    pub(crate) fn set_key(&mut self, key: Option<Bytes>) {
        self.key = key;
    }

    pub(crate) fn set_topic(&mut self, topic: impl Into<Arc<str>>) {
        self.meta_mut().topic = Some(topic.into());
    }

    /// What is known of earlier attempts.
    pub(crate) fn retried(&self) -> Option<&Retried> {
        self.meta.as_ref()?.retried.as_deref()
    }

    pub(crate) fn set_retried(&mut self, retried: Option<Retried>) {
        self.meta_mut().retried = retried.map(Box::new);
    }

    fn meta_mut(&mut self) -> &mut Meta {
        Arc::make_mut(self.meta.get_or_insert_default())
    }
}

/// Milliseconds since 1970, negative before.
pub(crate) fn millis(at: SystemTime) -> i64 {
    let whole = |since: Duration| i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => -whole(before.duration()),
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.payload == other.payload
            && self.key == other.key
            && self.timestamp == other.timestamp
            && self.content_type() == other.content_type()
            && self.id_bytes() == other.id_bytes()
            && self.correlation_id() == other.correlation_id()
            && self.headers() == other.headers()
    }
}
impl Eq for Message {}

/// Sizes and names only: payloads and header values may be secret.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |bytes: &Option<Bytes>| bytes.as_ref().map(|bytes| format!("{} bytes", bytes.len()));
        f.debug_struct("Message")
            .field("payload", &size(&self.payload))
            .field("key", &size(&self.key))
            .field("id", &self.id())
            .field("content_type", &self.content_type())
            .field("headers", self.headers())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_shares_what_is_behind_the_pointer_until_one_changes() {
        let first = Message::new("x").with_header("a", "1");
        let second = first.clone().with_header("b", "2");
        assert_eq!((first.headers().len(), second.headers().len()), (1, 2));
    }

    #[test]
    fn times_before_and_after_1970_come_back() {
        for millis in [-1_500, 0, 1_700_000_000_123] {
            let since = Duration::from_millis(i64::unsigned_abs(millis));
            let epoch = SystemTime::UNIX_EPOCH;
            let at = if millis < 0 { epoch - since } else { epoch + since };
            assert_eq!(Message::tombstone().with_timestamp(at).timestamp(), Some(at));
        }
        assert_eq!(Message::tombstone().timestamp(), None);
    }

    #[test]
    fn a_content_type_can_be_set_and_changed() {
        let json = Message::json(&1).unwrap_or_else(|_| Message::tombstone());
        assert_eq!(json.content_type(), Some("application/json"));
        let text = json.with_content_type("text/plain");
        assert_eq!(text.content_type(), Some("text/plain"));
        assert_eq!(text.with_content_type("application/json").content_type(), Some("application/json"));
    }

    #[test]
    fn an_absent_payload_is_not_an_empty_one() {
        assert_ne!(Message::tombstone(), Message::new(""));
    }
}
