//! How long a service lives, and how it is kept: types that `#[injectable]` chooses.

use crate::graph::{AnyArc, Kind};
use crate::module::Owns;
use crate::provide::{How, Own};
use crate::scope::Resolver;
use crate::service::{Made, Source, Wire};
use crate::{Error, Result};
use std::sync::Arc;

/// How long a service lives.
pub trait Lifetime {
    /// The same as a value.
    const KIND: Kind;
    /// Whether it is as long as the application's.
    const LASTS: bool;

    /// Takes the service where it is needed.
    ///
    /// # Errors
    ///
    /// The error of a transient's constructor.
    fn take<M: Owns<T>, T: ?Sized + 'static>(cx: &Resolver<'_, M>) -> Result<Arc<T>>;
}

/// One a running application. The default.
#[derive(Debug)]
pub struct Singleton;
/// One an attempt at a message.
#[derive(Debug)]
pub struct Scoped;
/// One a place that asks for it.
#[derive(Debug)]
pub struct Transient;
/// The life of a function that handles messages: it is never made.
#[derive(Debug)]
pub struct Handler;
/// The life of another name for a service (`Type as dyn Trait`): it lasts if the service does, and needs no place of its
/// own in a scope. It says so by a constant, because a type that a module keeps private cannot stand in a public trait.
#[derive(Debug)]
pub struct Alias<const LASTS: bool>;

/// A life that lasts as long as the application.
#[diagnostic::on_unimplemented(
    message = "`{T}` is not a singleton of module `{M}`",
    label = "a scoped or transient service lives in a scope: take it as `Arc<{T}>` in a handler or in a scoped service"
)]
pub trait Lasting<M, T: ?Sized> {}
impl<M, T: ?Sized> Lasting<M, T> for Singleton {}
impl<M, T: ?Sized> Lasting<M, T> for Alias<true> {}

impl Lifetime for Singleton {
    const KIND: Kind = Kind::Singleton;
    const LASTS: bool = true;

    #[inline]
    fn take<M: Owns<T>, T: ?Sized + 'static>(cx: &Resolver<'_, M>) -> Result<Arc<T>> {
        match M::cell(&cx.live.cells).peek() {
            Some(value) => Ok(value.clone()),
            None => cx.live.absent(&<Own as How<M, T>>::KEY),
        }
    }
}

impl Lifetime for Transient {
    const KIND: Kind = Kind::Transient;
    const LASTS: bool = false;

    fn take<M: Owns<T>, T: ?Sized + 'static>(cx: &Resolver<'_, M>) -> Result<Arc<T>> {
        if let Some(replaced) = cx.live.space.replacement(cx.live.base + M::NODE, cx.lives, cx.scope) {
            return restored::<M, T>(&replaced?);
        }
        match M::By::make(&Resolver { holder: M::ENTRY, ..*cx })? {
            Made::Ready(value) => Ok(value),
            Made::Later(_) | Made::InPlace => {
                Err(Error::new(format!("the transient `{}` cannot be made by an async constructor", M::ENTRY)))
            }
        }
    }
}

impl Lifetime for Scoped {
    const KIND: Kind = Kind::Scoped;
    const LASTS: bool = false;

    fn take<M: Owns<T>, T: ?Sized + 'static>(cx: &Resolver<'_, M>) -> Result<Arc<T>> {
        let id = cx.live.base + M::NODE;
        if let Some(replaced) = cx.live.space.replacement(id, cx.lives, cx.scope) {
            return restored::<M, T>(&replaced?);
        }
        match cx.scope.kept(id) {
            Some(kept) => restored::<M, T>(kept),
            None => Err(Error::new(format!(
                "the scoped `{}` of module `{}` was taken outside of a scope that plans for it",
                M::ENTRY,
                M::NAME
            ))),
        }
    }
}

impl Lifetime for Alias<true> {
    const KIND: Kind = Kind::Singleton;
    const LASTS: bool = true;

    #[inline]
    fn take<M: Owns<T>, T: ?Sized + 'static>(cx: &Resolver<'_, M>) -> Result<Arc<T>> {
        Singleton::take(cx)
    }
}

impl Lifetime for Alias<false> {
    const KIND: Kind = Kind::Transient;
    const LASTS: bool = false;

    fn take<M: Owns<T>, T: ?Sized + 'static>(cx: &Resolver<'_, M>) -> Result<Arc<T>> {
        Transient::take(cx)
    }
}

impl Lifetime for Handler {
    const KIND: Kind = Kind::Handler;
    const LASTS: bool = false;

    fn take<M: Owns<T>, T: ?Sized + 'static>(_: &Resolver<'_, M>) -> Result<Arc<T>> {
        Err(Error::new(format!("`{}` is a handler, not a service", M::ENTRY)))
    }
}

fn restored<M: Owns<T>, T: ?Sized + 'static>(kept: &AnyArc) -> Result<Arc<T>> {
    <M::By as Source>::Keep::restore(kept).ok_or_else(|| Error::new(format!("`{}` is kept as another type", M::ENTRY)))
}

/// How the service of a source is kept where its type is erased.
pub trait Keep<S: Source> {
    /// Forgets the type.
    fn erase(value: Arc<S::Output>) -> AnyArc;
    /// Remembers it.
    fn restore(kept: &AnyArc) -> Option<Arc<S::Output>>;
}

/// As it is: for a type of a known size. Costs nothing.
#[derive(Debug)]
pub struct Whole;
impl<S: Source<Output: Sized>> Keep<S> for Whole {
    #[inline]
    fn erase(value: Arc<S::Output>) -> AnyArc {
        value
    }
    #[inline]
    fn restore(kept: &AnyArc) -> Option<Arc<S::Output>> {
        kept.clone().downcast().ok()
    }
}

/// Behind one more `Arc`: for a trait object.
#[derive(Debug)]
pub struct Wrapped;
impl<S: Source> Keep<S> for Wrapped {
    #[inline]
    fn erase(value: Arc<S::Output>) -> AnyArc {
        Arc::new(value)
    }
    #[inline]
    fn restore(kept: &AnyArc) -> Option<Arc<S::Output>> {
        kept.downcast_ref::<Arc<S::Output>>().cloned()
    }
}
