//! A module with one handler that plays a script, written by hand as the attributes write it.

use super::probe::{Call, Probe, Script, Unit, What};
use crate::{
    Attempt, BatchHandler, Context, FromMessage, Handler, IntoReply, Message, Outcome, Publisher, Spec, Subscribes,
    argument, batch_handler, handler,
};
use modi_core::graph::{Edge, HandlerNode, Node, order};
use modi_core::module::{Cell, Module, Owns, Provides};
use modi_core::scope::Complete;
use modi_core::service::{Made, Source, Value, Wire, completes, node, node_with};
use modi_core::{Error, Resolver, Result, dependency, lifetime, provide};
use std::marker::PhantomData;
use std::sync::Arc;

/// What the handler of a [`Stage`] listens to, is called with, and says.
pub(super) trait Scene: Sized + Send + Sync + 'static {
    const SPEC: Spec;
    const HANDLERS: &'static [HandlerNode];
    type Call: Send + 'static;
    type Said: 'static;
}

/// One whose handler gets one message at a time.
pub(super) trait Single: Scene<Call = Call<Self::Takes>, Said: IntoReply> {
    /// Beside the message.
    type Takes: FromMessage<Stage<Self>> + 'static;
}

/// What a handler takes that needs no more than the message.
pub(super) struct Nothing;

impl<M: Module> FromMessage<M> for Nothing {
    fn take(_: &Attempt<'_, M>) -> Result<Self> {
        Ok(Self)
    }
}

/// Scenes: a name, what the handler takes, what it says where that is not [`Said`], what it listens to.
macro_rules! scenes {
    (said) => { $crate::conformance::probe::Said };
    (said $said:ty) => { $said };
    ($($name:ident: $takes:ty $(=> $said:ty)? = $spec:expr;)*) => {$(
        pub(super) struct $name;
        impl $crate::conformance::stage::Scene for $name {
            const SPEC: $crate::Spec = $spec;
            const HANDLERS: &'static [modi_core::HandlerNode] = $crate::conformance::stage::single::<Self>();
            type Call = $crate::conformance::probe::Call<$takes>;
            type Said = $crate::conformance::stage::scenes!(said $($said)?);
        }
        impl $crate::conformance::stage::Single for $name {
            type Takes = $takes;
        }
    )*};
}
pub(super) use scenes;

/// The same for handlers of batches.
macro_rules! batch_scenes {
    ($($name:ident = $spec:expr;)*) => {$(
        pub(super) struct $name;
        impl $crate::conformance::stage::Scene for $name {
            const SPEC: $crate::Spec = $spec;
            const HANDLERS: &'static [modi_core::HandlerNode] = $crate::conformance::stage::batches::<Self>();
            type Call = Vec<$crate::Message>;
            type Said = Vec<$crate::Outcome>;
        }
    )*};
}
pub(super) use batch_scenes;

pub(super) const fn single<S: Single>() -> &'static [HandlerNode] {
    const { &[handler::<Stage<S>, Act<S>>("act")] }
}

pub(super) const fn batches<S: Scene<Call = Vec<Message>, Said = Vec<Outcome>>>() -> &'static [HandlerNode] {
    const { &[batch_handler::<Stage<S>, ActOnMany<S>>("act")] }
}

/// `#[module(providers = [Unit], subscribers = [act])] struct Stage { #[provide] probe: Probe, #[provide] script: Script }`
pub(super) struct Stage<S: Scene> {
    pub(super) probe: Arc<Probe>,
    pub(super) script: Arc<Script<S>>,
}

/// `#[subscriber(..)] async fn act(takes: Takes, context: Context, publisher: Publisher, unit: Arc<Unit>, ..)`
pub(super) struct Act<S>(PhantomData<fn() -> S>);

impl<S: Single> Handler<Stage<S>> for Act<S> {
    const EDGES: &'static [Edge] = &[
        argument::<Stage<S>, S::Takes>("takes"),
        argument::<Stage<S>, Arc<Unit>>("unit"),
        argument::<Stage<S>, Arc<Script<S>>>("script"),
    ];
    const PLACES: &'static [Option<usize>] = &[<S::Takes as FromMessage<Stage<S>>>::PLACES];
    const BY_HAND: bool = <S::Takes as FromMessage<Stage<S>>>::BY_HAND;
    const SPEC: Spec = S::SPEC;
    type Input = (S::Takes, Context, Publisher);
    type Reply = Result<S::Said>;

    fn decode(attempt: &Attempt<'_, Stage<S>>) -> Result<Self::Input> {
        Ok((FromMessage::take(attempt)?, FromMessage::take(attempt)?, FromMessage::take(attempt)?))
    }

    async fn call(attempt: &Attempt<'_, Stage<S>>, (takes, context, publisher): Self::Input) -> Result<Self::Reply> {
        let unit: Arc<Unit> = FromMessage::take(attempt)?;
        let script: Arc<Script<S>> = FromMessage::take(attempt)?;
        let of = [(context.message_id().unwrap_or_default().to_owned(), context.attempt())];
        let began = What::Began { unit: unit.number };
        let call = Call { takes, context, publisher };
        Ok(unit.probe.watch(&of, began, script.play(call)).await)
    }
}

/// `#[subscriber(.., batch = ..)] async fn act(messages: Vec<Message>, unit: Arc<Unit>, ..)`
pub(super) struct ActOnMany<S>(PhantomData<fn() -> S>);

impl<S: Scene<Call = Vec<Message>, Said = Vec<Outcome>>> BatchHandler<Stage<S>> for ActOnMany<S> {
    const EDGES: &'static [Edge] =
        &[argument::<Stage<S>, Arc<Unit>>("unit"), argument::<Stage<S>, Arc<Script<S>>>("script")];
    const SPEC: Spec = S::SPEC;
    type Item = Message;
    type Reply = Result<Vec<Outcome>>;

    fn decode(attempt: &Attempt<'_, Stage<S>>) -> Result<Message> {
        // What a batch refuses before its handler is called.
        match attempt.message().payload() {
            Some(payload) if &payload[..] == b"bad" => Err(Error::reject("it cannot be decoded")),
            _ => FromMessage::take(attempt),
        }
    }

    async fn call(attempt: &Attempt<'_, Stage<S>>, messages: Vec<Message>) -> Result<Self::Reply> {
        let unit: Arc<Unit> = FromMessage::take(attempt)?;
        let script: Arc<Script<S>> = FromMessage::take(attempt)?;
        let of: Vec<_> =
            messages.iter().map(|message| (message.id().unwrap_or_default().to_owned(), attempt.number())).collect();
        Ok(unit.probe.watch(&of, What::Batch(messages.len()), script.play(messages)).await)
    }
}

/// What the function stands for in its module: an entry that is never made.
pub(super) struct Function;

impl Source for Function {
    type Output = Self;
    type Life = lifetime::Handler;
    type Keep = lifetime::Wrapped;
}
impl<M: Module> Wire<M> for Function {
    const EDGES: &'static [Edge] = &[];
    fn make(_: &Resolver<'_, M>) -> Result<Made<Self>> {
        Err(Error::new("never made"))
    }
}
impl<S: Scene> Subscribes<Stage<S>> for Function {
    const HANDLERS: &'static [HandlerNode] = S::HANDLERS;
}

impl Source for Unit {
    type Output = Self;
    type Life = lifetime::Scoped;
    type Keep = lifetime::Whole;
    const COMPLETE: Option<Complete> = completes::<Self>();
}
impl<S: Scene> Wire<Stage<S>> for Unit {
    const EDGES: &'static [Edge] = &[dependency::edge::<Stage<S>, Arc<Probe>>("probe")];
    fn make(cx: &Resolver<'_, Stage<S>>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self::new(dependency::take(cx)?))))
    }
}

/// One cell each.
pub(super) struct Cells<S: Scene> {
    probe: Cell<Probe>,
    unit: Cell<Unit>,
    script: Cell<Script<S>>,
    function: Cell<Function>,
}

macro_rules! own {
    ($node:literal $cell:ident: $type:ty, $by:ty) => {
        impl<S: Scene> Owns<$type> for Stage<S> {
            type By = $by;
            const NODE: usize = $node;
            const ENTRY: &'static str = stringify!($cell);
            fn cell(cells: &Self::Cells) -> &Cell<$type> {
                &cells.$cell
            }
            fn cell_mut(cells: &mut Self::Cells) -> &mut Cell<$type> {
                &mut cells.$cell
            }
        }
        impl<S: Scene> Provides<$type> for Stage<S> {
            type How = provide::Own;
        }
    };
}
own!(0 probe: Probe, Value<Probe>);
own!(1 unit: Unit, Unit);
own!(2 script: Script<S>, Value<Script<S>>);
own!(3 function: Function, Function);

impl<S: Scene> Module for Stage<S> {
    const NAME: &'static str = "Stage";
    const GRAPH: &'static [Node] = &[
        node::<Self, Probe>(),
        node::<Self, Unit>(),
        node::<Self, Script<S>>(),
        node_with::<Self, Function>(<Function as Subscribes<Self>>::HANDLERS),
    ];
    const ORDER: &'static [usize] = &order::<4>(Self::NAME, Self::GRAPH);
    type Cells = Cells<S>;

    fn cells(self) -> Self::Cells {
        Cells {
            probe: Cell::full(self.probe),
            unit: Cell::empty(),
            script: Cell::full(self.script),
            function: Cell::empty(),
        }
    }
}
