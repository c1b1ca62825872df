//! What is inside of all middleware: a handler of one message, or of a batch.

use super::Surroundings;
use super::next::Callee;
use crate::{Attempt, BatchHandler, Handler, IntoOutcomes, IntoReply, Message, Outcome, Reply};
use futures_util::future::BoxFuture;
use modi_core::{Error, Module};
use std::sync::{Mutex, PoisonError};

impl<M: Module> Surroundings<M> {
    /// Calls a handler of one message through all of it.
    #[cold]
    pub(crate) fn one<'a, H: Handler<M>>(
        &'a self,
        attempt: &'a Attempt<'a, M>,
        input: H::Input,
    ) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(async move {
            let handler = One::<M, H> { attempt, input: Mutex::new(Some(input)) };
            self.call(attempt, &[attempt.message], &handler).await
        })
    }

    /// Calls a handler of batches through all of it. What it says of each message goes to `outcomes`; a middleware that says
    /// something else says it of all.
    #[cold]
    pub(crate) fn batch<'a, H: BatchHandler<M>>(
        &'a self,
        attempt: &'a Attempt<'a, M>,
        messages: &'a [&'a Message],
        items: Vec<H::Item>,
        outcomes: &'a mut Option<Vec<Outcome>>,
    ) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(async move {
            let items = Mutex::new(Some(items));
            let handler = Batch::<M, H> { attempt, messages, items, outcomes: Mutex::new(None) };
            let reply = self.call(attempt, messages, &handler).await?;
            if matches!(reply.outcome(), Outcome::Ack) {
                *outcomes = handler.outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
                return Ok(reply);
            }
            *outcomes = Some(vec![reply.outcome; messages.len()]);
            Ok(Reply::new(Outcome::Ack))
        })
    }
}

struct One<'a, M: Module, H: Handler<M>> {
    attempt: &'a Attempt<'a, M>,
    /// For the first call of possibly several.
    input: Mutex<Option<H::Input>>,
}

impl<M: Module, H: Handler<M>> Callee for One<'_, M, H> {
    fn call(&self) -> BoxFuture<'_, Result<Reply, Error>> {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            let input = match input {
                Some(input) => input,
                None => H::decode(self.attempt)?,
            };
            H::call(self.attempt, input).await?.into_reply()
        })
    }
}

struct Batch<'a, M: Module, H: BatchHandler<M>> {
    attempt: &'a Attempt<'a, M>,
    messages: &'a [&'a Message],
    items: Mutex<Option<Vec<H::Item>>>,
    outcomes: Mutex<Option<Vec<Outcome>>>,
}

impl<M: Module, H: BatchHandler<M>> Batch<'_, M, H> {
    fn decode(&self) -> Result<Vec<H::Item>, Error> {
        self.messages.iter().map(|message| H::decode(&Attempt { message, ..*self.attempt })).collect()
    }
}

impl<M: Module, H: BatchHandler<M>> Callee for Batch<'_, M, H> {
    fn call(&self) -> BoxFuture<'_, Result<Reply, Error>> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            let items = match items {
                Some(items) => items,
                None => self.decode()?,
            };
            let outcomes = H::call(self.attempt, items).await?.into_outcomes()?;
            *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner) = outcomes;
            Ok(Reply::new(Outcome::Ack))
        })
    }
}
