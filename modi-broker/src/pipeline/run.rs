//! A subscriber at work: from what it is made of to how its run ends.

use super::breaker::Breaker;
use super::choice::{Candidate, Choice, One};
use super::clock::Clock;
use super::control::Control;
use super::counters::Counters;
use super::desk::Desk;
use super::exit::Exit;
use super::job::Shared;
use super::settling::Settling;
use super::work::{Batch, Single, Work};
use crate::contract::{Publish, Subscription};
use crate::handler::About;
use crate::{BatchHandler, Handler};
use modi_core::graph::AnyArc;
use modi_core::{Module, ScopePlan};
use std::sync::Arc;

/// What a subscriber is made of.
pub(crate) struct Parts {
    pub(crate) subscription: Subscription,
    pub(crate) publish: Arc<dyn Publish>,
    pub(crate) plan: ScopePlan,
    pub(crate) about: Arc<About>,
    pub(crate) name: &'static str,
    pub(crate) control: Arc<Control>,
    pub(crate) counters: Arc<Counters>,
}

/// Handles messages until it is told to stop. Whoever drops the future gives the messages in hand back to the broker.
pub(crate) async fn run<M: Module, H: Handler<M>>(live: AnyArc, parts: Parts) -> Exit {
    work_through(parts, |plan, about, name| Single::<M, H>::new(live, plan, about, name)).await
}

/// The same, several messages at once.
pub(crate) async fn run_batches<M: Module, H: BatchHandler<M>>(live: AnyArc, parts: Parts) -> Exit {
    work_through(parts, |plan, about, name| Batch::<M, H>::new(live, plan, about, name)).await
}

/// A handler for [`run_choice`].
pub(crate) fn candidate<M: Module, H: Handler<M>>(
    live: AnyArc,
    plan: ScopePlan,
    about: Arc<About>,
    name: &'static str,
) -> Candidate {
    Candidate(Box::new(One(Single::<M, H>::new(live, plan, about, name))))
}

/// The same, with a handler chosen for each message.
pub(crate) async fn run_choice(handlers: Vec<Candidate>, parts: Parts) -> Exit {
    work_through(parts, |_, _, _| Choice::new(handlers)).await
}

async fn work_through<W: Work>(parts: Parts, work: impl FnOnce(ScopePlan, Arc<About>, &'static str) -> W) -> Exit {
    let Parts { subscription, publish, plan, about, name, control, counters } = parts;
    let subscriber = about.name.clone();
    let work = work(plan, about, name);
    let Subscription { capabilities, mut source, settle, lanes } = subscription;
    let mut settling = Settling::new(settle.clone(), &capabilities);
    if W::EARLY {
        settling = settling.at_once();
    }
    let answered = settling.answered().clone();
    let (puts_off, releases_one) = (capabilities.at_least_once, capabilities.single_release);
    let (clock, breaker) = (Clock::new(), Breaker::default());
    let name = subscriber;
    let shared =
        Shared { work, name, publish, control, counters, clock, breaker, answered, puts_off, releases_one, settle };
    let mut desk = Desk::new(&shared, settling, &lanes);
    let ended = W::work_through(&shared, &mut desk, &mut *source).await;
    desk.stop_intake(&mut *source).await;
    desk.settling.finish(&mut desk.tally).await;
    ended
        .and(desk.stopped.map_or(Ok(()), |stopped| stopped.map_err(Exit::from)))
        .map_or_else(|exit| exit, |()| Exit::Stopped)
}
