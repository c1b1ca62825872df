//! The broker, inside of all middleware: as it takes a message, a handler's result, a question.

use super::next::Sink;
use crate::contract::{Outgoing, Publish, Receipt};
use crate::publisher::ask;
use crate::{BrokerErrorKind, Message, PublishError};
use futures_util::future::BoxFuture;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// For what is sent through a publisher.
pub(super) struct Plain<'a>(pub(super) &'a dyn Publish);

impl Sink for Plain<'_> {
    fn send<'a>(&'a self, message: Outgoing<'a>) -> BoxFuture<'a, Result<Receipt, PublishError>> {
        Box::pin(async move {
            let place = message.place;
            let sent = self.0.send(message).wait().await;
            sent.map_err(|source| PublishError::Broker { topic: place.to_string(), source })
        })
    }
}

/// For the results of handlers: where the confirmation is lost, the same bytes are sent again.
pub(super) struct Insisting<'a>(pub(super) &'a dyn Publish);

impl Sink for Insisting<'_> {
    fn send<'a>(&'a self, message: Outgoing<'a>) -> BoxFuture<'a, Result<Receipt, PublishError>> {
        Box::pin(async move {
            let plain = Plain(self.0);
            let again = Outgoing { message: message.message.clone(), ..message };
            match plain.send(message).await {
                Err(PublishError::Broker { source, .. }) if source.kind() == BrokerErrorKind::Unavailable => {
                    plain.send(again).await
                }
                sent => sent,
            }
        })
    }
}

/// For a question. What it came to is told to its sender.
pub(super) struct Question<'a> {
    broker: &'a dyn Publish,
    within: Duration,
    answer: Mutex<Option<Message>>,
}

impl<'a> Question<'a> {
    pub(super) fn new(broker: &'a dyn Publish, within: Duration) -> Self {
        Self { broker, within, answer: Mutex::new(None) }
    }

    pub(super) fn answer(self) -> Option<Message> {
        self.answer.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Question<'_> {
    fn send<'a>(&'a self, message: Outgoing<'a>) -> BoxFuture<'a, Result<Receipt, PublishError>> {
        Box::pin(async move {
            let answer = ask(self.broker, message, self.within).await?;
            *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            Ok(Receipt::default())
        })
    }
}
