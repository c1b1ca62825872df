//! Several handlers on one subscription: each message has the first that takes it, or the one that takes all.

use super::attempt::End;
use super::desk::Desk;
use super::exit::Exit;
use super::failure::Failure;
use super::job::{Room, Shared};
use super::many;
use super::work::{Part, Work};
use crate::contract::Source;
use crate::dead_letter::FailureKind;
use crate::handler::Signals;
use crate::{Message, Spec};
use futures_util::future::BoxFuture;
use modi_core::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A handler among others. Choosing costs a box for each message; who has a subscription of its own has none.
pub(super) trait Choosable: Send + Sync {
    fn part(&self) -> &Part;
    fn is_scopeless(&self) -> bool;
    fn attempt<'a>(
        &'a self,
        message: &'a Message,
        number: u32,
        lane: u32,
        room: &'a mut Room,
        signals: &'a Signals,
    ) -> BoxFuture<'a, Result<End, Failure>>;
}

/// A handler for the list of a choice.
pub(crate) struct Candidate(pub(super) Box<dyn Choosable>);

/// One handler by itself can be one of several.
pub(super) struct One<W>(pub(super) W);

impl<W: Work> Choosable for One<W> {
    fn part(&self) -> &Part {
        self.0.part(&Message::tombstone())
    }

    fn is_scopeless(&self) -> bool {
        self.0.is_scopeless()
    }

    fn attempt<'a>(
        &'a self,
        message: &'a Message,
        number: u32,
        lane: u32,
        room: &'a mut Room,
        signals: &'a Signals,
    ) -> BoxFuture<'a, Result<End, Failure>> {
        Box::pin(self.0.attempt(message, number, lane, room, signals))
    }
}

/// The handlers of one subscription, those with a filter first.
pub(super) struct Choice(Vec<Box<dyn Choosable>>);

impl Choice {
    pub(super) fn new(candidates: Vec<Candidate>) -> Self {
        let mut handlers: Vec<_> = candidates.into_iter().map(|candidate| candidate.0).collect();
        handlers.sort_by_key(|handler| handler.part().spec.filter.is_none());
        Self(handlers)
    }

    fn of(&self, message: &Message) -> Option<&dyn Choosable> {
        // A filter that panics takes nothing.
        let takes = |filter: fn(&Message) -> bool| catch_unwind(AssertUnwindSafe(|| filter(message))).unwrap_or(false);
        let chosen = self.0.iter().find(|handler| handler.part().spec.filter.is_none_or(takes));
        chosen.map(AsRef::as_ref)
    }
}

impl Work for Choice {
    const EARLY: bool = false;
    const BY_HAND: bool = false;

    async fn work_through(shared: &Shared<Self>, desk: &mut Desk<'_>, source: &mut dyn Source) -> Result<(), Exit> {
        many::work(shared, desk, source).await
    }

    /// What concerns the subscription is the same in all of them.
    fn spec(&self) -> &Spec {
        &self.0[0].part().spec
    }

    /// Of a message that nobody takes, the first.
    fn part(&self, message: &Message) -> &Part {
        self.of(message).unwrap_or(&*self.0[0]).part()
    }

    fn is_scopeless(&self) -> bool {
        self.0.iter().all(|handler| handler.is_scopeless())
    }

    async fn attempt(
        &self,
        message: &Message,
        number: u32,
        lane: u32,
        room: &mut Room,
        signals: &Signals,
    ) -> Result<End, Failure> {
        match self.of(message) {
            Some(handler) => handler.attempt(message, number, lane, room, signals).await,
            None => {
                let error = Error::reject("no handler of the subscription takes this message");
                Err(Failure { kind: FailureKind::Unhandled, error })
            }
        }
    }
}
