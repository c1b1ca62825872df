//! The outside world: a file of events, published in order of arrival.
//!
//! A line is `{"topic": "orders.created", "key": "product_1", "body": {..}}`. The key is optional. Where the sender's bytes
//! were not JSON the line has `"raw": "<the text>"` in place of the body.

use modi::prelude::*;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Publishes what came from outside.
#[injectable]
#[derive(Debug)]
pub struct Feed {
    publisher: Publisher,
}

/// A line of the file.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    raw: Option<Cow<'a, str>>,
}

/// A body that is `null` is a body.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// Its event is published, and somebody handles it.
    Published,
    /// Its event is published, and nobody listens to its topic.
    Unheard,
    /// It holds no event.
    Unreadable,
}

/// The topics that the shop takes from outside.
const HEARD: [&str; 6] =
    ["orders.created", "user.created", "user.updated", "user.events", "analytics.track", "notifications"];

impl Feed {
    /// Publishes the event of a line, and waits for the confirmation.
    ///
    /// # Errors
    ///
    /// That of publishing.
    pub async fn publish(&self, line: &[u8]) -> modi::Result<Fed> {
        let Ok(Line { topic, key, body, raw }) = serde_json::from_slice(line) else { return Ok(Fed::Unreadable) };
        let Some(payload) = body.map(|body| body.get().to_owned()).or(raw.map(Cow::into_owned)) else {
            return Ok(Fed::Unreadable);
        };
        if topic.trim().is_empty() {
            return Ok(Fed::Unreadable);
        }
        let publication = self.publisher.to(topic.as_ref()).bytes(payload);
        match key {
            Some(key) => publication.key(key.into_owned()).send().await?,
            None => publication.send().await?,
        };
        Ok(if HEARD.contains(&topic.as_ref()) { Fed::Published } else { Fed::Unheard })
    }
}
