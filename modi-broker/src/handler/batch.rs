//! A function that handles several messages at once: what `#[subscriber(.., batch = 100)]` writes.

use super::fits;
use super::node::Subscriber;
use super::reply::HandlerError;
use crate::pipeline;
use crate::{Attempt, Outcome, Spec};
use modi_core::graph::AnyArc;
use modi_core::{Around, Edge, Error, HandlerNode, Module};
use std::any::Any;
use std::future::Future;

/// A function that handles several messages at once, as `#[subscriber]` writes it for a marker type. The pipeline calls it.
///
/// An argument is either a `Vec` of parts, one of each message, or it is a service. A message whose part cannot be taken
/// goes to the dead letters alone, and the handler gets the others. The scope is that of the whole batch.
pub trait BatchHandler<M: Module>: 'static {
    /// What the arguments need of the module: [`argument`](crate::argument) for each that is a service.
    const EDGES: &'static [Edge];
    /// What does not fit: for each argument [`misplaced`], with whether it is a `Vec`.
    const MISPLACED: &'static [Option<&'static str>] = &[];
    /// What stands around it, as [`Handler::AROUND`](crate::Handler::AROUND).
    const AROUND: &'static [Around] = &[];
    /// What it listens to, with a [`Spec::batch`].
    const SPEC: Spec;
    /// The parts of one message: a tuple.
    type Item: Send;
    /// What the function returns.
    type Reply: IntoOutcomes;

    /// Takes the parts of one message. No scope is open.
    ///
    /// # Errors
    ///
    /// The first part that cannot be taken.
    fn decode(attempt: &Attempt<'_, M>) -> Result<Self::Item, Error>;

    /// Takes the services, and calls the function. The attempt has no message: it is one at all of them.
    ///
    /// # Errors
    ///
    /// The first service that cannot be taken. The function's own errors are part of its reply.
    fn call(
        attempt: &Attempt<'_, M>,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Result<Self::Reply, Error>> + Send;
}

/// What a handler of batches may return. The pipeline calls it, inside the attempt.
///
/// | returned | means |
/// |---|---|
/// | `()` | all are acknowledged |
/// | `Vec<Outcome>` | what it says, one for each message, in their order |
/// | `Result<_, E>` | an error is that of all: they are tried again, one by one |
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a result of a handler of batches",
    label = "write `()`, `Vec<Outcome>` with one for each message, or a `Result<_, _>` of them"
)]
pub trait IntoOutcomes {
    /// One for each message, or `None` where all are acknowledged.
    ///
    /// # Errors
    ///
    /// The handler's error.
    fn into_outcomes(self) -> Result<Option<Vec<Outcome>>, Error>;
}

impl IntoOutcomes for () {
    fn into_outcomes(self) -> Result<Option<Vec<Outcome>>, Error> {
        Ok(None)
    }
}

impl IntoOutcomes for Vec<Outcome> {
    fn into_outcomes(self) -> Result<Option<Vec<Outcome>>, Error> {
        Ok(Some(self))
    }
}

impl<R: IntoOutcomes, E: HandlerError> IntoOutcomes for Result<R, E> {
    fn into_outcomes(self) -> Result<Option<Vec<Outcome>>, Error> {
        self.map_err(HandlerError::into_error)?.into_outcomes()
    }
}

/// One row of [`BatchHandler::MISPLACED`]: what is wrong with an argument, which is a `Vec` of parts or not.
pub const fn misplaced<M: Module, A: crate::FromMessage<M>>(is_vec: bool) -> Option<&'static str> {
    match (is_vec, A::OF_MESSAGE) {
        (true, _) if A::BY_HAND => Some("takes leases: return a `Vec<Outcome>` to settle one by one"),
        (true, false) => Some("takes a `Vec` of services: take one, without the `Vec`"),
        (false, true) => Some("handles batches, and takes a part of one message: write `Vec<_>` around it"),
        _ => None,
    }
}

/// One entry of [`Subscribes::HANDLERS`](crate::Subscribes::HANDLERS), for a handler of batches.
///
/// # Panics
///
/// In a constant, as a compile error: for arguments and keys that do not fit a handler of batches.
pub const fn batch_handler<M: Module, H: BatchHandler<M>>(name: &'static str) -> HandlerNode {
    if let Some(problem) = fits::batch_problem::<M, H>() {
        fits::stop(name, problem);
    }
    HandlerNode {
        name,
        edges: H::EDGES,
        around: [M::AROUND, H::AROUND],
        spec: const { &H::SPEC },
        mount: mount::<M, H>,
    }
}

fn mount<M: Module, H: BatchHandler<M>>(live: &AnyArc) -> Box<dyn Any + Send + Sync> {
    let live = live.clone();
    Box::new(Subscriber::alone(move |parts| Box::pin(pipeline::run_batches::<M, H>(live.clone(), parts))))
}
