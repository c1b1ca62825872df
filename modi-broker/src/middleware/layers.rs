//! Which middleware there is around a handler: erased, in order, taken for each attempt.

use super::next::Callee;
use super::sinks::{Insisting, Plain, Question};
use super::{Call, Middleware, Next, NextPublish};
use crate::contract::{Outgoing, Publish, Receipt};
use crate::{Attempt, FromMessage, Message, PublishError, Reply};
use futures_util::future::BoxFuture;
use modi_core::{Around, Edge, Error, Module};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// One entry of [`Handler::AROUND`](crate::Handler::AROUND) and of [`Module::AROUND`].
pub const fn around<M: Module, T: Middleware>() -> Around
where
    Arc<T>: FromMessage<M>,
{
    let edge = Edge { field: "middleware", to: <Arc<T> as FromMessage<M>>::TO, lazy: false };
    Around { edge, take: const { &Take::<M>(take::<M, T>) } }
}

/// How a service is taken, as what it is to publications and handlers.
struct Take<M: Module>(fn(&Attempt<'_, M>) -> Taken);

type Taken = Result<Arc<dyn Layer>, Error>;

fn take<M: Module, T: Middleware>(attempt: &Attempt<'_, M>) -> Taken
where
    Arc<T>: FromMessage<M>,
{
    let service: Arc<T> = FromMessage::take(attempt)?;
    Ok(service)
}

/// A [`Middleware`] whose type is erased.
pub(super) trait Layer: Send + Sync {
    fn handle<'a>(&'a self, call: &'a Call<'a>, next: Next<'a>) -> BoxFuture<'a, Result<Reply, Error>>;
    fn publish<'a>(
        &'a self,
        message: Outgoing<'a>,
        next: NextPublish<'a>,
    ) -> BoxFuture<'a, Result<Receipt, PublishError>>;
}

impl<T: Middleware> Layer for T {
    fn handle<'a>(&'a self, call: &'a Call<'a>, next: Next<'a>) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(Middleware::handle(self, call, next))
    }
    fn publish<'a>(
        &'a self,
        message: Outgoing<'a>,
        next: NextPublish<'a>,
    ) -> BoxFuture<'a, Result<Receipt, PublishError>> {
        Box::pin(Middleware::publish(self, message, next))
    }
}

/// What stands around one attempt, or around everything that is published elsewhere.
pub(crate) struct Layers {
    application: Arc<[Arc<dyn Layer>]>,
    /// The module's, then the subscriber's: known once the scope is open.
    own: OnceLock<Vec<Arc<dyn Layer>>>,
}

impl Layers {
    /// From the outside to the inside.
    pub(super) fn get(&self, at: usize) -> Option<&dyn Layer> {
        let own = || self.own.get()?.get(at - self.application.len());
        Some(&**self.application.get(at).or_else(own)?)
    }

    /// Publishes a message through all of them. Boxed, as what follows: most that publish have no room for it.
    #[cold]
    pub(crate) fn publish<'a>(
        &'a self,
        broker: &'a dyn Publish,
        message: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<Receipt, PublishError>> {
        Box::pin(async move { NextPublish::first(self, &Plain(broker)).send(message).await })
    }

    /// The same for a handler's result.
    pub(crate) async fn publish_result(
        &self,
        broker: &dyn Publish,
        message: Outgoing<'_>,
    ) -> Result<Receipt, PublishError> {
        NextPublish::first(self, &Insisting(broker)).send(message).await
    }

    /// Asks a question through all of them.
    #[cold]
    pub(crate) fn ask<'a>(
        &'a self,
        broker: &'a dyn Publish,
        message: Outgoing<'a>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Message, PublishError>> {
        Box::pin(async move {
            let (question, topic) = (Question::new(broker, within), message.place.to_string());
            NextPublish::first(self, &question).send(message).await?;
            // One of them has not asked it.
            question.answer().ok_or(PublishError::NoAnswer { topic, within })
        })
    }
}

/// The middleware of an application. It is complete once something is published or handled.
#[derive(Default)]
pub(crate) struct Outermost {
    added: Mutex<Vec<Arc<dyn Layer>>>,
    layers: OnceLock<Option<Arc<Layers>>>,
}

impl Outermost {
    pub(crate) fn add(&self, middleware: impl Middleware) {
        self.added.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(middleware));
    }

    /// `None` where there is none.
    #[inline]
    pub(crate) fn layers(&self) -> Option<&Arc<Layers>> {
        let seal = || {
            let added = std::mem::take(&mut *self.added.lock().unwrap_or_else(PoisonError::into_inner));
            (!added.is_empty()).then(|| Arc::new(Layers { application: added.into(), own: OnceLock::new() }))
        };
        self.layers.get_or_init(seal).as_ref()
    }
}

/// What stands around the handler of one subscriber.
pub(crate) struct Surroundings<M: Module> {
    application: Option<Arc<Layers>>,
    own: Vec<&'static Take<M>>,
}

impl<M: Module> Surroundings<M> {
    /// `None` where there is nothing, which is what the path of most messages is written for. `own` is the subscriber's.
    pub(crate) fn of(application: Option<&Arc<Layers>>, own: &'static [Around]) -> Option<Self> {
        let own: Vec<_> = M::AROUND.iter().chain(own).filter_map(|around| around.take.downcast_ref()).collect();
        let application = application.cloned();
        (application.is_some() || !own.is_empty()).then_some(Self { application, own })
    }

    /// For an attempt whose scope is not open yet: its publishers know what they are going to be in.
    #[cold]
    pub(crate) fn begin(&self) -> Arc<Layers> {
        match &self.application {
            Some(application) if self.own.is_empty() => application.clone(),
            application => {
                let application = application.as_ref().map_or_else(|| [].into(), |layers| layers.application.clone());
                Arc::new(Layers { application, own: OnceLock::new() })
            }
        }
    }

    /// Calls a handler through all of it, once the scope is open.
    pub(super) async fn call<H: Callee>(
        &self,
        attempt: &Attempt<'_, M>,
        messages: &[&Message],
        handler: &H,
    ) -> Result<Reply, Error> {
        let Some(layers) = attempt.layers else { return handler.call().await };
        if !self.own.is_empty() {
            let own = self.own.iter().map(|take| (take.0)(attempt)).collect::<Result<_, _>>()?;
            // One attempt takes them once.
            let _taken = layers.own.set(own);
        }
        let call = Call::of(attempt, messages);
        Next::first(&call, layers, handler).run().await
    }
}
