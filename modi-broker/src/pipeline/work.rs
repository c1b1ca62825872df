//! What a subscriber does with a message: call its handler, whatever that is.

use super::attempt::{End, judge};
use super::failure::Failure;
use super::job::Room;
use crate::handler::{About, Signals};
use crate::{Attempt, Handler, IntoReply, Message, Spec};
use modi_core::graph::AnyArc;
use modi_core::{Module, Resolver, Scope, ScopePlan};
use std::marker::PhantomData;
use std::sync::Arc;

/// The work of a subscriber, as its loop and its failure path see it.
pub(super) trait Work: Send + Sync {
    /// Several messages may be in hand at once.
    const SIDE_BY_SIDE: bool;
    /// Messages are acknowledged when they are received.
    const EARLY: bool;
    /// The handler settles its messages itself.
    const BY_HAND: bool;

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

/// A handler, as the failure path sees it.
pub(super) struct Part {
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
    of: PhantomData<fn() -> (M, H)>,
}

impl<M: Module, H: Handler<M>> Single<M, H> {
    pub(super) fn new(live: AnyArc, plan: ScopePlan, about: Arc<About>, name: &'static str) -> Self {
        Self { live, plan, part: Part { spec: H::SPEC, about, name }, of: PhantomData }
    }
}

impl<M: Module, H: Handler<M>> Work for Single<M, H> {
    const SIDE_BY_SIDE: bool = H::SPEC.concurrency > 1;
    const EARLY: bool = matches!(H::SPEC.ack, crate::Ack::Received);
    const BY_HAND: bool = H::BY_HAND;

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
        let Self { live, plan, part: Part { about, name, .. }, .. } = self;
        let Room { scope, responses, .. } = room;
        let resolver = Resolver::new(live, Scope::NONE, name);
        let mut attempt = Attempt { resolver, message, number, lane, about, signals };
        let input = H::decode(&attempt).map_err(Failure::decode)?;
        if !plan.is_empty() {
            scope.open(plan).await.map_err(Failure::returned)?;
            attempt.resolver = Resolver::new(live, scope, name);
        }
        let reply = H::call(&attempt, input).await.and_then(H::Reply::into_reply).map_err(Failure::returned)?;
        judge(reply, responses, name)
    }
}
