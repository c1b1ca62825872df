//! A question, and its answer.

use super::{Publication, Publisher};
use crate::handler::decode_body;
use crate::{Message, PublishError};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// A question that is going to be asked: see [`Publisher::request`]. Awaiting it asks.
#[must_use = "nothing is asked before it is awaited"]
pub struct Request<'a, A> {
    publication: Result<Publication<'a>, PublishError>,
    within: Duration,
    answer: PhantomData<fn() -> A>,
}

/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);

impl<'a, A> Request<'a, A> {
    pub(super) fn new<T: Serialize + ?Sized>(publisher: &'a Publisher, topic: &'a str, question: &T) -> Self {
        let publication = publisher.to(topic).json(question);
        Self { publication, within: TIMEOUT, answer: PhantomData }
    }

    /// How long to wait for the answer. By default 5 seconds.
    pub fn timeout(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// Changes what is asked: its key, its headers.
    pub fn with(self, change: impl FnOnce(Publication<'a>) -> Publication<'a>) -> Self {
        Self { publication: self.publication.map(change), ..self }
    }
}

impl<'a, A: DeserializeOwned + 'a> IntoFuture for Request<'a, A> {
    type Output = Result<A, PublishError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let publication = self.publication?;
            let topic = publication.topic;
            let answer: Message = publication.request(self.within).await?;
            decode_body(&answer).map_err(|source| PublishError::Answer { topic: topic.to_owned(), source })
        })
    }
}

impl<A> fmt::Debug for Request<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("question", &self.publication).field("within", &self.within).finish()
    }
}
