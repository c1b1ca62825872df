//! What a subscriber does with a message: call its handler, whatever that is.

use super::attempt::{End, judge, judge_other};
use super::desk::Desk;
use super::exit::Exit;
use super::failure::Failure;
use super::job::{Room, Shared};
use super::{batches, many, one};
use crate::contract::Source;
use crate::handler::{About, Signals};
use crate::middleware::Surroundings;
use crate::{Attempt, BatchHandler, Handler, IntoOutcomes, IntoReply, Message, Outcome, Spec};
use futures_util::future::BoxFuture;
use modi_core::graph::AnyArc;
use modi_core::{Error, Module, Resolver, Scope, ScopePlan};
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

/// The work of a subscriber, as its loop and its failure path see it.
pub(super) trait Work: Send + Sync {
    /// Messages are acknowledged when they are received.
    const EARLY: bool;
    /// The handler settles its messages itself.
    const BY_HAND: bool;

    /// The loop that it is made for.
    fn work_through(
        shared: &Shared<Self>,
        desk: &mut Desk<'_>,
        source: &mut dyn Source,
    ) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Sized;

    /// How the subscription is read.
    fn spec(&self) -> &Spec;
    /// Whose message it is.
    fn part(&self, message: &Message) -> &Part;
    /// Attempts open no scope.
    fn is_scopeless(&self) -> bool;
    /// One attempt: decode, open the scope, call. What is to be published waits in the room.
    fn attempt<'a>(
        &'a self,
        message: &'a Message,
        number: u32,
        lane: u32,
        room: &'a mut Room,
        signals: &'a Signals,
    ) -> impl Future<Output = Result<End, Failure>> + Send + 'a;
}

/// The work of a subscriber that handles several messages at once. One alone is a batch of one.
pub(super) trait BatchWork: Work {
    type Item: Send;

    /// Takes the parts of a message.
    fn decode(&self, message: &Message, number: u32, lane: u32, room: &Room) -> Result<Self::Item, Failure>;
    /// One attempt at all of them: open the scope, call.
    fn attempt_all<'a>(
        &'a self,
        wanted: Wanted<'a, Self::Item>,
        room: &'a mut Room,
        signals: &'a Signals,
    ) -> impl Future<Output = Result<End, Failure>> + Send + 'a;
}

/// What is wanted of one attempt at several messages.
pub(super) struct Wanted<'a, T> {
    pub(super) number: u32,
    /// A list of them is made only where somebody looks at it.
    pub(super) messages: &'a (dyn Fn() -> Vec<&'a Message> + Sync),
    pub(super) items: Vec<T>,
    /// One each, where the handler says so.
    pub(super) outcomes: &'a mut Option<Vec<Outcome>>,
}

/// A handler, as the failure path sees it.
pub(crate) struct Part {
    pub(super) spec: Spec,
    pub(super) about: Arc<About>,
    /// What errors and the picture of the graph call it.
    pub(super) name: &'static str,
}

/// One handler.
pub(super) struct Single<M: Module, H: Handler<M>> {
    live: AnyArc,
    plan: ScopePlan,
    part: Part,
    surroundings: Option<Surroundings<M>>,
    of: PhantomData<fn() -> (M, H)>,
}

impl<M: Module, H: Handler<M>> Single<M, H> {
    pub(super) fn new(live: AnyArc, plan: ScopePlan, about: Arc<About>, name: &'static str) -> Self {
        let surroundings = Surroundings::of(about.publisher.outermost(), H::AROUND);
        Self { live, plan, part: Part { spec: H::SPEC, about, name }, surroundings, of: PhantomData }
    }

    /// The same as an attempt with nothing around it, whose path knows nothing of this one.
    #[cold]
    fn attempt_within<'a>(
        &'a self,
        surroundings: &'a Surroundings<M>,
        message: &'a Message,
        number: u32,
        lane: u32,
        room: &'a mut Room,
        signals: &'a Signals,
    ) -> BoxFuture<'a, Result<End, Failure>> {
        Box::pin(async move {
            let Self { live, plan, part: Part { about, name, .. }, .. } = self;
            let Room { scope, responses, layers, .. } = room;
            let resolver = Resolver::new(live, Scope::NONE, name);
            let layers = Some(&*layers.insert(surroundings.begin()));
            let mut attempt = Attempt { resolver, message, number, lane, about, signals, layers };
            let input = H::decode(&attempt).map_err(Failure::decode)?;
            scope.open(plan).await.map_err(Failure::returned)?;
            attempt.resolver = Resolver::new(live, scope, name);
            let reply = surroundings.one::<H>(&attempt, input).await.map_err(Failure::returned)?;
            judge(reply, responses, &about.name)
        })
    }
}

impl<M: Module, H: Handler<M>> Work for Single<M, H> {
    const EARLY: bool = matches!(H::SPEC.ack, crate::Ack::Received);
    const BY_HAND: bool = H::BY_HAND;

    async fn work_through(shared: &Shared<Self>, desk: &mut Desk<'_>, source: &mut dyn Source) -> Result<(), Exit> {
        // Known to the compiler: one of the two is left out of the program.
        if const { H::SPEC.concurrency > 1 } {
            many::work(shared, desk, source).await
        } else {
            one::work(shared, desk, source).await
        }
    }

    #[inline]
    fn spec(&self) -> &Spec {
        &self.part.spec
    }

    #[inline]
    fn part(&self, _: &Message) -> &Part {
        &self.part
    }

    #[inline]
    fn is_scopeless(&self) -> bool {
        self.plan.is_empty()
    }

    #[inline]
    async fn attempt(
        &self,
        message: &Message,
        number: u32,
        lane: u32,
        room: &mut Room,
        signals: &Signals,
    ) -> Result<End, Failure> {
        if let Some(surroundings) = &self.surroundings {
            return self.attempt_within(surroundings, message, number, lane, room, signals).await;
        }
        let Self { live, plan, part: Part { about, name, .. }, .. } = self;
        let Room { scope, responses, .. } = room;
        let resolver = Resolver::new(live, Scope::NONE, name);
        let mut attempt = Attempt { resolver, message, number, lane, about, signals, layers: None };
        let input = H::decode(&attempt).map_err(Failure::decode)?;
        if !plan.is_empty() {
            scope.open(plan).await.map_err(Failure::returned)?;
            attempt.resolver = Resolver::new(live, scope, name);
        }
        // In its place from the beginning: awaiting it would move it there.
        let call = pin!(H::call(&attempt, input));
        let reply = call.await.and_then(H::Reply::into_reply);
        judge(reply.map_err(Failure::returned)?, responses, &about.name)
    }
}

/// One handler of batches.
pub(super) struct Batch<M: Module, H: BatchHandler<M>> {
    live: AnyArc,
    plan: ScopePlan,
    part: Part,
    surroundings: Option<Surroundings<M>>,
    of: PhantomData<fn() -> (M, H)>,
}

impl<M: Module, H: BatchHandler<M>> Batch<M, H> {
    pub(super) fn new(live: AnyArc, plan: ScopePlan, about: Arc<About>, name: &'static str) -> Self {
        let surroundings = Surroundings::of(about.publisher.outermost(), H::AROUND);
        Self { live, plan, part: Part { spec: H::SPEC, about, name }, surroundings, of: PhantomData }
    }
}

impl<M: Module, H: BatchHandler<M>> Work for Batch<M, H> {
    const EARLY: bool = false;
    const BY_HAND: bool = false;

    async fn work_through(shared: &Shared<Self>, desk: &mut Desk<'_>, source: &mut dyn Source) -> Result<(), Exit> {
        batches::work(shared, desk, source).await
    }

    fn spec(&self) -> &Spec {
        &self.part.spec
    }

    fn part(&self, _: &Message) -> &Part {
        &self.part
    }

    fn is_scopeless(&self) -> bool {
        self.plan.is_empty()
    }

    async fn attempt(
        &self,
        message: &Message,
        number: u32,
        lane: u32,
        room: &mut Room,
        signals: &Signals,
    ) -> Result<End, Failure> {
        let item = self.decode(message, number, lane, room)?;
        let mut outcomes = None;
        let messages = || vec![message];
        let wanted = Wanted { number, messages: &messages, items: vec![item], outcomes: &mut outcomes };
        self.attempt_all(wanted, room, signals).await?;
        match outcomes.and_then(|mut outcomes| outcomes.pop()) {
            None | Some(Outcome::Ack) => Ok(End::Acked),
            Some(outcome) => judge_other(outcome, self.part.name),
        }
    }
}

impl<M: Module, H: BatchHandler<M>> BatchWork for Batch<M, H> {
    type Item = H::Item;

    fn decode(&self, message: &Message, number: u32, lane: u32, room: &Room) -> Result<H::Item, Failure> {
        let Part { about, name, .. } = &self.part;
        let resolver = Resolver::new(&self.live, Scope::NONE, name);
        let signals = &room.signals;
        let attempt = Attempt { resolver, message, number, lane, about, signals, layers: None };
        H::decode(&attempt).map_err(Failure::decode)
    }

    async fn attempt_all<'a>(
        &'a self,
        wanted: Wanted<'a, H::Item>,
        room: &'a mut Room,
        signals: &'a Signals,
    ) -> Result<End, Failure> {
        let Self { live, plan, part: Part { about, name, .. }, surroundings, .. } = self;
        let Wanted { number, messages, items, outcomes } = wanted;
        let Room { scope, responses, layers, .. } = room;
        if !plan.is_empty() {
            scope.open(plan).await.map_err(Failure::returned)?;
        }
        *layers = surroundings.as_ref().map(Surroundings::begin);
        let (resolver, message, many) = (Resolver::new(live, scope, name), Message::tombstone(), items.len());
        let attempt = Attempt { resolver, message: &message, number, lane: 0, about, signals, layers: layers.as_ref() };
        if let Some(surroundings) = surroundings {
            let messages = messages();
            let reply = surroundings.batch::<H>(&attempt, &messages, items, outcomes).await;
            judge(reply.map_err(Failure::returned)?, responses, &about.name)?;
        } else {
            let reply = H::call(&attempt, items).await;
            *outcomes = reply.and_then(H::Reply::into_outcomes).map_err(Failure::returned)?;
        }
        match outcomes {
            Some(said) if said.len() != many => {
                let text = format!("the handler returned {} outcomes for {many} messages", said.len());
                Err(Failure::returned(Error::new(text)))
            }
            _ => Ok(End::Acked),
        }
    }
}
