//! What a handler returns: what becomes of its message, and what is published.

use crate::{Headers, Message, Outcome};
use bytes::Bytes;
use modi_core::Error;
use std::borrow::Cow;
use std::sync::Arc;

/// What a handler may return. The pipeline calls it, inside the attempt.
///
/// | returned | means |
/// |---|---|
/// | `()` | acknowledged |
/// | [`Outcome`] | what it says |
/// | [`Json`](crate::Json) and the other codecs, [`Message`], `Bytes`, `String`, a `Vec` of them | published to `publish = ".."` and confirmed, then acknowledged |
/// | [`To`], a `Vec` of them, or up to four as a tuple | the same, to a topic of its own |
/// | `Option<_>` | `None` is acknowledged |
/// | `Result<_, E>` | an error is tried again, unless it says otherwise: [`Error::reject`], or [`Classify`](modi_core::Classify) |
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a result of a handler",
    label = "write `()`, `Json<_>` to publish it, `Outcome`, or an `Option<_>` or `Result<_, _>` of them"
)]
pub trait IntoReply: Sized {
    /// It needs to be told where it is published.
    const PUBLISHES: bool = false;

    /// Says what becomes of the message, and what is published.
    ///
    /// # Errors
    ///
    /// The handler's error, or that of encoding its result.
    fn into_reply(self) -> Result<Reply, Error>;
}

/// What a handler's result came to.
#[derive(Debug)]
pub struct Reply {
    pub(crate) outcome: Outcome,
    pub(crate) responses: Responses,
}

/// What is published. Nothing and one message need no list.
#[derive(Debug, Default)]
pub(crate) enum Responses {
    #[default]
    None,
    One(Response),
    Many(Vec<Response>),
}

impl Responses {
    /// One after the other.
    pub(crate) fn in_order(self) -> impl Iterator<Item = Response> + Send {
        let (one, many) = match self {
            Self::None => (None, Vec::new()),
            Self::One(response) => (Some(response), Vec::new()),
            Self::Many(responses) => (None, responses),
        };
        one.into_iter().chain(many)
    }
}

#[derive(Debug)]
pub(crate) struct Response {
    /// `None` means where the subscriber publishes.
    pub(crate) topic: Option<Arc<str>>,
    pub(crate) message: Message,
    /// Without a key of its own it takes that of the message in hand.
    pub(crate) inherits_key: bool,
}

impl Reply {
    /// Nothing is published.
    #[inline]
    pub const fn new(outcome: Outcome) -> Self {
        Self { outcome, responses: Responses::None }
    }

    /// Published where the subscriber publishes, and confirmed, then acknowledged.
    ///
    /// # Errors
    ///
    /// That of [`IntoMessage`].
    pub fn publish(value: impl IntoMessage) -> Result<Self, Error> {
        Ok(Self { outcome: Outcome::Ack, responses: Responses::One(Response::new(value)?) })
    }

    /// The same for several messages, in their order.
    ///
    /// # Errors
    ///
    /// That of [`IntoMessage`]: then none is published.
    pub fn publish_all<T: IntoMessage>(values: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        let responses = values.into_iter().map(Response::new).collect::<Result<_, _>>()?;
        Ok(Self { outcome: Outcome::Ack, responses: Responses::Many(responses) })
    }

    /// Acknowledged, and nothing is published.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        matches!(self, Self { outcome: Outcome::Ack, responses: Responses::None })
    }

    /// What becomes of the message in hand.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// How many messages are published if the outcome is [`Outcome::Ack`]. Any other outcome publishes none.
    pub fn publications(&self) -> usize {
        match &self.responses {
            Responses::None => 0,
            Responses::One(_) => 1,
            Responses::Many(responses) => responses.len(),
        }
    }
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        Self::new(outcome)
    }
}

impl Response {
    /// Where the subscriber publishes.
    fn new(value: impl IntoMessage) -> Result<Self, Error> {
        Ok(Self { topic: None, message: value.into_message()?, inherits_key: true })
    }
}

/// One message that a handler returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published",
    label = "write `Json<_>`, `Message` or `Bytes`"
)]
pub trait IntoMessage {
    /// The message.
    ///
    /// # Errors
    ///
    /// That of encoding a value: trying again cannot mend it.
    fn into_message(self) -> Result<Message, Error>;
}

impl IntoMessage for Message {
    fn into_message(self) -> Result<Message, Error> {
        Ok(self)
    }
}

/// A result with a topic, and where it is wanted a key and headers, of its own.
///
/// ```
/// use modi_broker::{Json, To};
///
/// async fn order_created(Json(id): Json<u64>) -> Vec<To<Json<u64>>> {
///     vec![To::new("payments.requested", Json(id)), To::new("audit", Json(id)).header("tenant", "acme")]
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct To<T> {
    topic: Arc<str>,
    value: T,
    /// `None` means that of the message in hand.
    key: Option<Option<Bytes>>,
    headers: Headers,
}

impl<T: IntoMessage> To<T> {
    /// Publishes `value` to `topic`.
    pub fn new(topic: impl Into<Arc<str>>, value: T) -> Self {
        Self { topic: topic.into(), value, key: None, headers: Headers::new() }
    }

    /// With this key instead of that of the message in hand.
    pub fn key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(Some(key.into()));
        self
    }

    /// Without a key, whatever the message in hand has.
    pub fn without_key(mut self) -> Self {
        self.key = Some(None);
        self
    }

    /// With this header.
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Bytes>) -> Self {
        self.headers.append(name, value);
        self
    }

    fn respond(self) -> Result<Response, Error> {
        let mut message = self.value.into_message()?;
        for (name, value) in self.headers.iter() {
            message.headers_mut().append(name.to_owned(), value.clone());
        }
        let inherits_key = self.key.is_none();
        if let Some(key) = self.key {
            message.set_key(key);
        }
        Ok(Response { topic: Some(self.topic), message, inherits_key })
    }
}

impl IntoReply for () {
    #[inline]
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::new(Outcome::Ack))
    }
}

impl IntoReply for Outcome {
    #[inline]
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::new(self))
    }
}

/// A message as a result, alone and in a `Vec`. A blanket implementation would cost the sentences about other results.
macro_rules! published {
    ($type:ty $(, $($bound:tt)*)?) => {
        impl$(<$($bound)*>)? crate::IntoReply for $type {
            const PUBLISHES: bool = true;

            fn into_reply(self) -> Result<crate::Reply, modi_core::Error> {
                crate::Reply::publish(self)
            }
        }

        impl$(<$($bound)*>)? crate::IntoReply for Vec<$type> {
            const PUBLISHES: bool = true;

            fn into_reply(self) -> Result<crate::Reply, modi_core::Error> {
                crate::Reply::publish_all(self)
            }
        }
    };
}
pub(super) use published;

published!(Message);

impl<T: IntoMessage> IntoReply for To<T> {
    fn into_reply(self) -> Result<Reply, Error> {
        let responses = Responses::One(self.respond()?);
        Ok(Reply { outcome: Outcome::Ack, responses })
    }
}

impl<T: IntoMessage> IntoReply for Vec<To<T>> {
    fn into_reply(self) -> Result<Reply, Error> {
        let responses = Responses::Many(self.into_iter().map(To::respond).collect::<Result<_, _>>()?);
        Ok(Reply { outcome: Outcome::Ack, responses })
    }
}

/// Several messages of different types.
macro_rules! several {
    ($($part:ident)*) => {
        impl<$($part: IntoMessage),*> IntoReply for ($(To<$part>,)*) {
            fn into_reply(self) -> Result<Reply, Error> {
                #[expect(non_snake_case, reason = "named after their types")]
                let ($($part,)*) = self;
                let responses = Responses::Many(vec![$($part.respond()?),*]);
                Ok(Reply { outcome: Outcome::Ack, responses })
            }
        }
    };
}
several!(A B);
several!(A B C);
several!(A B C D);

impl<R: IntoReply> IntoReply for Option<R> {
    const PUBLISHES: bool = R::PUBLISHES;

    #[inline]
    fn into_reply(self) -> Result<Reply, Error> {
        match self {
            Some(reply) => reply.into_reply(),
            None => Ok(Reply::new(Outcome::Ack)),
        }
    }
}

/// An error that a handler may return: whatever [`Error`] can be made from, which is every [`std::error::Error`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error of a handler",
    label = "return an error type, or turn it into one with `.map_err(modi::Error::new)`"
)]
pub trait HandlerError {
    /// The error, with its advice.
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> HandlerError for E {
    #[inline]
    fn into_error(self) -> Error {
        self.into()
    }
}

impl<R: IntoReply, E: HandlerError> IntoReply for Result<R, E> {
    const PUBLISHES: bool = R::PUBLISHES;

    #[inline]
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_err(HandlerError::into_error)?.into_reply()
    }
}
