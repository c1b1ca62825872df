//! What `#[injectable]` writes on the user's type or function: what it makes, how long that lives, what it needs.

use crate::graph::{AnyArc, Edge, HandlerNode, Hook, Kind, Make, Node};
use crate::lifetime::{Keep, Lifetime};
use crate::module::{Live, Lives, Module, Owns};
use crate::scope::{Complete, Completion, Resolver, Scope, Site, Step};
use crate::{Error, Result};
use futures_util::future::BoxFuture;
use std::any::Any;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::sync::Arc;

/// What can be provided: owned, and shared between threads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between threads",
    label = "a service must be `Send + Sync + 'static`; for a trait write `trait X: Send + Sync`"
)]
pub trait Service: Send + Sync + 'static {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized + Send + Sync + 'static> Service for T {}

/// A trait object that can be shared: asked for once, where a function returns it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between threads",
    label = "a service must be `Send + Sync + 'static`; for a trait write `trait X: Send + Sync`"
)]
pub trait Object {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized + Service> Object for T {}

/// What an entry of `providers` makes. Nothing here depends on a module.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be provided: it is not injectable",
    label = "write `#[injectable]` above this type, its constructor or the function that makes it"
)]
pub trait Source: Sized {
    /// The service.
    type Output: ?Sized + Service;
    /// How long it lives: [`lifetime::Singleton`](crate::lifetime::Singleton) and its siblings.
    type Life: Lifetime;
    /// How it is kept where its type is erased.
    type Keep: Keep<Self>;
    /// The service's name where the entry does not say it: a function's result.
    const NAME: Option<&'static str> = None;
    /// Runs after all constructors.
    const START: Option<ServiceHook<Self::Output>> = None;
    /// Runs at stop.
    const STOP: Option<ServiceHook<Self::Output>> = None;
    /// Runs at the end of a scope.
    const COMPLETE: Option<Complete> = None;
}

/// A hook of a known service.
pub type ServiceHook<T> = fn(&T) -> BoxFuture<'_, Result>;

/// How a module makes a service. Every dependency is a bound of the implementation, at the user's field or parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be provided: it is not injectable",
    label = "write `#[injectable]` above this type, its constructor or the function that makes it"
)]
pub trait Wire<M: Module>: Source {
    /// The dependencies by field or parameter.
    const EDGES: &'static [Edge];

    /// Takes the dependencies, which are ready, and calls the constructor.
    ///
    /// # Errors
    ///
    /// The constructor's error.
    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self::Output>>;
}

/// A service, or the wait for it.
pub enum Made<T: ?Sized> {
    /// A constructor that does not wait.
    Ready(Arc<T>),
    /// An `async` one. It owns what it needs.
    Later(BoxFuture<'static, Result<AnyArc>>),
    /// A module's own value: it is in its cell.
    InPlace,
}

/// For an `async` constructor.
#[inline]
pub fn later<T: ?Sized>(constructor: impl Future<Output = Result<AnyArc>> + Send + 'static) -> Made<T> {
    Made::Later(Box::pin(constructor))
}

/// The end of an `async` constructor.
///
/// # Errors
///
/// None: the result saves the caller an `Ok`.
#[inline]
pub fn keep<S: Source>(value: Arc<S::Output>) -> Result<AnyArc> {
    Ok(S::Keep::erase(value))
}

/// What a constructor may return: the service, or a result of it.
#[diagnostic::on_unimplemented(
    message = "a constructor of `{T}` cannot return `{Self}`",
    label = "neither `{T}`, nor a `Result` of it with an error that `modi::Error` can be made from"
)]
pub trait Constructed<T> {
    /// The service, or why there is none.
    ///
    /// # Errors
    ///
    /// The constructor's error.
    fn constructed(self) -> Result<T>;
}
impl<T> Constructed<T> for T {
    #[inline]
    fn constructed(self) -> Result<T> {
        Ok(self)
    }
}
#[diagnostic::do_not_recommend]
impl<T, E: Into<Error>> Constructed<T> for Result<T, E> {
    #[inline]
    fn constructed(self) -> Result<T> {
        self.map_err(Into::into)
    }
}

/// [`Constructed::constructed`], with the type of the service.
///
/// # Errors
///
/// The constructor's error.
#[inline]
pub fn constructed<T, V: Constructed<T>>(value: V) -> Result<T> {
    value.constructed()
}

/// Work at the start and at the stop of an application, asked for by `#[injectable(lifecycle)]`.
///
/// `on_start` runs after every constructor, dependencies first; `on_stop` in reverse.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no life cycle",
    label = "`#[injectable(lifecycle)]` asks for `impl Lifecycle for {Self}`"
)]
pub trait Lifecycle {
    /// Runs before the first message. An error stops the start, and what was started is stopped.
    fn on_start(&self) -> impl Future<Output = Result> + Send {
        ready(Ok(()))
    }
    /// Runs after the last message. An error is reported, and the others are stopped all the same.
    fn on_stop(&self) -> impl Future<Output = Result> + Send {
        ready(Ok(()))
    }
}

/// The end of a scoped service, asked for by `#[injectable(scoped, complete)]`.
///
/// A unit of work commits or rolls back here: after the handler and before its results are published. An error is the
/// handler's error. Services are completed in the reverse order of their construction; once one fails, the rest see
/// [`Completion::Failed`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no completion",
    label = "`#[injectable(scoped, complete)]` asks for `impl Scoped for {Self}`"
)]
pub trait Scoped {
    /// Ends it.
    fn complete(&self, completion: &Completion<'_>) -> impl Future<Output = Result> + Send;
}

/// [`Source::START`] of a service with a life cycle.
pub const fn starts<T: Lifecycle + Service>() -> Option<ServiceHook<T>> {
    Some(|service| Box::pin(service.on_start()))
}

/// [`Source::STOP`] of a service with a life cycle.
pub const fn stops<T: Lifecycle + Service>() -> Option<ServiceHook<T>> {
    Some(|service| Box::pin(service.on_stop()))
}

/// [`Source::COMPLETE`] of a scoped service with an end.
pub const fn completes<T: Scoped + Service>() -> Option<Complete> {
    Some(|kept, completion| match kept.downcast_ref::<T>() {
        Some(service) => Box::pin(service.complete(completion)),
        None => Box::pin(ready(Err(Error::new("a scope keeps a value of another type")))),
    })
}

/// A value from a field of the module struct: its cell is full before anything is built.
pub struct Value<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized + Service> Source for Value<T> {
    type Output = T;
    type Life = crate::lifetime::Singleton;
    type Keep = crate::lifetime::Wrapped;
}
impl<M: Module, T: ?Sized + Service> Wire<M> for Value<T> {
    const EDGES: &'static [Edge] = &[];

    fn make(_: &Resolver<'_, M>) -> Result<Made<T>> {
        Ok(Made::InPlace)
    }
}

/// One entry of [`Module::GRAPH`]. It asks for [`Owns`] only, so that what is missing is reported once, at `Owns::By`.
pub const fn node<M: Owns<T>, T: ?Sized + 'static>() -> Node {
    Node {
        name: match <M::By as Source>::NAME {
            Some(name) => name,
            None => M::ENTRY,
        },
        kind: <M::By as Source>::Life::KIND,
        edges: <M::By as Wire<M>>::EDGES,
        make: match <M::By as Source>::Life::KIND {
            Kind::Singleton => Make::Once(once::<M, T>),
            Kind::Scoped => Make::Each(each::<M, T>),
            Kind::Transient | Kind::Handler => Make::Inline,
        },
        start: hook::<M, T, true>(),
        stop: hook::<M, T, false>(),
        complete: <M::By as Source>::COMPLETE,
        handlers: &[],
    }
}

/// The same, for an entry that brings handlers.
pub const fn node_with<M: Owns<T>, T: ?Sized + 'static>(handlers: &'static [HandlerNode]) -> Node {
    let mut node = node::<M, T>();
    node.handlers = handlers;
    node
}

#[expect(clippy::expect_used, reason = "a node is linked to the module that its graph belongs to")]
pub(crate) fn live<M: Module>(module: &(dyn Any + Send + Sync)) -> &Live<M> {
    module.downcast_ref().expect("a node meets its own module")
}

fn once<M: Owns<T>, T: ?Sized + 'static>(lives: &mut Lives, module: usize, given: Option<&AnyArc>) -> Result<Step> {
    let value = match (given, lives.at::<M>(module)) {
        (Some(given), _) => <M::By as Source>::Keep::restore(given),
        (None, Some(live)) => match M::By::make(&Resolver { live, lives, scope: Scope::NONE, holder: M::ENTRY })? {
            Made::Ready(value) => Some(value),
            Made::Later(wait) => return Ok(Step::Later(wait)),
            Made::InPlace => return Ok(Step::Done),
        },
        (None, None) => None,
    };
    if let Some(live) = lives.at_mut::<M>(module) {
        M::cell_mut(&mut live.cells).set(value);
    }
    Ok(Step::Done)
}

fn each<M: Owns<T>, T: ?Sized + 'static>(site: Site<'_>) -> Result<Step> {
    Ok(match M::By::make(&site.resolver::<M>(M::ENTRY))? {
        Made::Ready(value) => Step::Made(<M::By as Source>::Keep::erase(value)),
        Made::Later(wait) => Step::Later(wait),
        Made::InPlace => Step::Done,
    })
}

const fn hook<M: Owns<T>, T: ?Sized + 'static, const START: bool>() -> Option<Hook> {
    let hook = if START { <M::By as Source>::START } else { <M::By as Source>::STOP };
    match hook {
        None => None,
        Some(_) => Some(|module| {
            let hook = if START { <M::By as Source>::START } else { <M::By as Source>::STOP };
            match (hook, M::cell(&live::<M>(&**module).cells).peek()) {
                (Some(hook), Some(service)) => hook(service),
                _ => Box::pin(ready(Ok(()))),
            }
        }),
    }
}

impl<T: ?Sized> fmt::Debug for Made<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Later(_) => "Later",
            Self::InPlace => "InPlace",
        })
    }
}
impl<T: ?Sized> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value")
    }
}
