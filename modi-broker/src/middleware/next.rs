//! From one middleware to the next, and at last to the handler or to the broker.

use super::{Call, Layers};
use crate::contract::{Outgoing, Receipt};
use crate::{PublishError, Reply};
use futures_util::future::BoxFuture;
use modi_core::Error;
use std::fmt;

/// What is inside of a [`Middleware`](crate::Middleware): the next one, or the handler.
pub struct Next<'a> {
    call: &'a Call<'a>,
    layers: &'a Layers,
    at: usize,
    handler: &'a dyn Callee,
}

/// The handler, inside of everything.
pub(super) trait Callee: Send + Sync {
    fn call(&self) -> BoxFuture<'_, Result<Reply, Error>>;
}

impl<'a> Next<'a> {
    pub(super) fn first(call: &'a Call<'a>, layers: &'a Layers, handler: &'a dyn Callee) -> Self {
        Self { call, layers, at: 0, handler }
    }

    /// Calls it. What it came to is published, or acted upon, only if the middleware returns it.
    ///
    /// Another call is another call of the handler in the same attempt: its arguments are decoded again, the scoped services
    /// are the same. What the first call has published through a [`Publisher`](crate::Publisher) is published.
    ///
    /// # Errors
    ///
    /// The handler's error, or that of a middleware inside. An [`Outcome`](crate::Outcome) that says that the message failed is
    /// no error: see [`Reply::outcome`].
    pub async fn run(&self) -> Result<Reply, Error> {
        let Self { call, layers, at, handler } = *self;
        match layers.get(at) {
            Some(layer) => layer.handle(call, Next { at: at + 1, ..*self }).await,
            None => handler.call().await,
        }
    }
}

/// What is inside of a [`Middleware`](crate::Middleware) around publications: the next one, or the broker.
pub struct NextPublish<'a> {
    layers: &'a Layers,
    at: usize,
    sink: &'a dyn Sink,
}

/// The broker, inside of everything.
pub(super) trait Sink: Send + Sync {
    fn send<'a>(&'a self, message: Outgoing<'a>) -> BoxFuture<'a, Result<Receipt, PublishError>>;
}

impl<'a> NextPublish<'a> {
    pub(super) fn first(layers: &'a Layers, sink: &'a dyn Sink) -> Self {
        Self { layers, at: 0, sink }
    }

    /// Publishes it, and waits for the confirmation. A question waits for its answer, which its sender gets.
    ///
    /// # Errors
    ///
    /// [`PublishError`]. After one the message may still have been published: a lost confirmation says nothing.
    pub async fn send(&self, message: Outgoing<'_>) -> Result<Receipt, PublishError> {
        match self.layers.get(self.at) {
            Some(layer) => layer.publish(message, NextPublish { at: self.at + 1, ..*self }).await,
            None => self.sink.send(message).await,
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Next({:?})", self.call)
    }
}
impl fmt::Debug for NextPublish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NextPublish")
    }
}
