//! A handler as an entry of a module: checked by the compiler, mounted when the application starts.

use super::{About, fits};
use crate::pipeline::{self, Candidate, Exit, Parts};
use crate::{Attempt, IntoReply, Spec};
use futures_util::future::BoxFuture;
use modi_core::graph::AnyArc;
use modi_core::{Around, Edge, Error, HandlerNode, Module, ScopePlan};
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// A function that handles messages, as `#[subscriber]` writes it for a marker type. The pipeline calls it.
pub trait Handler<M: Module>: 'static {
    /// What the arguments need of the module: [`argument`](crate::argument) for each.
    const EDGES: &'static [Edge];
    /// For how many placeholders of the topic the arguments stand: [`FromMessage::PLACES`](crate::FromMessage::PLACES)
    /// for each. What is left out is not checked before a message comes.
    const PLACES: &'static [Option<usize>] = &[];
    /// It takes the lease of its messages, and settles them itself: an argument is
    /// [`BY_HAND`](crate::FromMessage::BY_HAND).
    const BY_HAND: bool = false;
    /// What stands around it, outermost first: [`around`](crate::around) for each. What its module says stands around
    /// these.
    const AROUND: &'static [Around] = &[];
    /// What it listens to.
    const SPEC: Spec;
    /// The arguments between the two moments: a tuple of [`Early`](crate::Early).
    type Input: Send;
    /// What the function returns.
    type Reply: IntoReply;

    /// Takes from the message what comes from the message: [`early`](crate::early) for each argument. No scope is open.
    ///
    /// # Errors
    ///
    /// The first argument that cannot be taken. The handler is not called.
    fn decode(attempt: &Attempt<'_, M>) -> Result<Self::Input, Error>;

    /// Takes the services, and calls the function.
    ///
    /// # Errors
    ///
    /// The first service that cannot be taken. The function's own errors are part of its reply.
    fn call(attempt: &Attempt<'_, M>, input: Self::Input) -> impl Future<Output = Result<Self::Reply, Error>> + Send;
}

/// An entry of `subscribers`: a function with one handler, or a service with several. Written by `#[subscriber]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a subscriber of module `{M}`",
    label = "write `#[subscriber(\"topic\")]` above this function, or `#[subscriber]` above this `impl`"
)]
pub trait Subscribes<M: Module> {
    /// Its handlers: [`handler`] for each.
    const HANDLERS: &'static [HandlerNode];
}

/// One entry of [`Subscribes::HANDLERS`].
///
/// A result to publish without a place to publish it does not compile:
///
/// ```compile_fail,E0080
/// use modi_broker::{Attempt, Handler, Json, Spec, handler};
/// use modi_core::{Edge, Error, HandlerNode, Module, ScopePlan};
/// # mod empty { include!("../../tests/common/empty.rs"); }
/// # use empty::Empty;
///
/// struct Doubled;
/// impl<M: Module> Handler<M> for Doubled {
///     const EDGES: &'static [Edge] = &[];
///     const SPEC: Spec = Spec::new("numbers"); // .publish("doubled")
///     type Input = ();
///     type Reply = Json<u32>;
///     fn decode(_: &Attempt<'_, M>) -> Result<(), Error> { Ok(()) }
///     async fn call(_: &Attempt<'_, M>, _: ()) -> Result<Json<u32>, Error> { Ok(Json(2)) }
/// }
/// const _: HandlerNode = handler::<Empty, Doubled>("doubled");
/// ```
///
/// # Panics
///
/// In a constant, as a compile error: for a result that nobody says where to publish, for a `publish = ".."` without
/// such a result, for a `failure` policy that keeps what was acknowledged before, for a topic that is no [pattern](crate::contract::Pattern), and for a [`Path`](crate::Path) that does not
/// fit it.
pub const fn handler<M: Module, H: Handler<M>>(name: &'static str) -> HandlerNode {
    if let Some(problem) = fits::problem::<M, H>() {
        fits::stop(name, problem);
    }
    HandlerNode {
        name,
        edges: H::EDGES,
        around: [M::AROUND, H::AROUND],
        spec: const { &H::SPEC.with_lease(H::BY_HAND) },
        mount: mount::<M, H>,
    }
}

fn mount<M: Module, H: Handler<M>>(live: &AnyArc) -> Box<dyn Any + Send + Sync> {
    let (live, alone) = (live.clone(), live.clone());
    Box::new(Subscriber {
        run: Box::new(move |parts| Box::pin(pipeline::run::<M, H>(alone.clone(), parts))),
        choose: Some(Box::new(move |plan, about, name| pipeline::candidate::<M, H>(live.clone(), plan, about, name))),
    })
}

/// A handler of a running application: what [`HandlerNode::mount`] gives.
pub(crate) struct Subscriber {
    run: Box<dyn Fn(Parts) -> BoxFuture<'static, Exit> + Send + Sync>,
    /// The same as one of several; `None` for what is always alone.
    choose: Option<Box<Choose>>,
}

type Choose = dyn Fn(ScopePlan, Arc<About>, &'static str) -> Candidate + Send + Sync;

impl Subscriber {
    pub(super) fn alone(run: impl Fn(Parts) -> BoxFuture<'static, Exit> + Send + Sync + 'static) -> Self {
        Self { run: Box::new(run), choose: None }
    }

    /// Several handlers on one subscription, each with what it is made of.
    pub(crate) fn several(
        handlers: Vec<(Self, impl Fn() -> (ScopePlan, Arc<About>, &'static str) + Send + Sync + 'static)>,
    ) -> Self {
        Self::alone(move |parts| {
            let chosen = handlers.iter().filter_map(|(handler, seat)| {
                let (plan, about, name) = seat();
                handler.choose.as_ref().map(|choose| choose(plan, about, name))
            });
            Box::pin(pipeline::run_choice(chosen.collect(), parts))
        })
    }

    /// Handles messages until it is told to stop. Each run has a subscription of its own.
    pub(crate) fn run(&self, parts: Parts) -> BoxFuture<'static, Exit> {
        (self.run)(parts)
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscriber")
    }
}
