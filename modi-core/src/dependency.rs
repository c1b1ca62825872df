//! The spellings of a dependency: `Arc<T>`, `Option<Arc<T>>`, `Lazy<T>`, `All<dyn Trait>`.

use crate::graph::{Edge, Key};
use crate::module::{Exports, Handle, Imports, Module, Optional, Provides, Singleton};
use crate::provide::{From, How};
use crate::scope::Resolver;
use crate::{Error, Result};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// A field or parameter that the container fills.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a dependency",
    label = "neither `Arc<_>`, `Option<Arc<_>>`, `Lazy<_>` nor `All<dyn _>`",
    note = "write `#[default]` or `#[default(..)]` above a field that is not injected"
)]
pub trait Dependency<M: Module>: Sized {
    /// Who provides it.
    const TO: Option<Key>;
    /// Looked up when it is used.
    const LAZY: bool = false;

    /// Takes it: everything that it waits for is ready.
    ///
    /// # Errors
    ///
    /// The error of a transient's constructor.
    fn take(cx: &Resolver<'_, M>) -> Result<Self>;
}

/// One row of `Wire::EDGES`.
pub const fn edge<M: Module, D: Dependency<M>>(field: &'static str) -> Edge {
    Edge { field, to: D::TO, lazy: D::LAZY }
}

/// Takes a dependency whose type is known from where it goes.
///
/// # Errors
///
/// As [`Dependency::take`].
#[inline]
pub fn take<M: Module, D: Dependency<M>>(cx: &Resolver<'_, M>) -> Result<D> {
    D::take(cx)
}

impl<M: Provides<T>, T: ?Sized + 'static> Dependency<M> for Arc<T> {
    const TO: Option<Key> = Some(M::How::KEY);

    #[inline]
    fn take(cx: &Resolver<'_, M>) -> Result<Self> {
        M::How::take(cx)
    }
}

impl<M: Optional<T>, T: ?Sized + 'static> Dependency<M> for Option<Arc<T>> {
    const TO: Option<Key> = M::KEY;

    fn take(cx: &Resolver<'_, M>) -> Result<Self> {
        M::option(cx)
    }
}

/// Every member of a set: the module's own entries in order, then imported ones, each instance once.
///
/// A module adds a member with `Type as all dyn Trait` in its `providers`.
pub struct All<T: ?Sized>(Arc<[Arc<T>]>);

impl<T: ?Sized> All<T> {
    /// The members, each instance once.
    pub fn new(members: impl IntoIterator<Item = Arc<T>>) -> Self {
        let mut once: Vec<Arc<T>> = Vec::new();
        for member in members {
            if !once.iter().any(|other| std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(&member))) {
                once.push(member);
            }
        }
        Self(once.into())
    }
}

impl<M: Provides<Self>, T: ?Sized + 'static> Dependency<M> for All<T> {
    const TO: Option<Key> = Some(M::How::KEY);

    fn take(cx: &Resolver<'_, M>) -> Result<Self> {
        Ok(M::How::take(cx)?.as_ref().clone())
    }
}

/// For the members of a set: the edge to an item of one import, whatever else provides it.
pub const fn imported<M: Imports<D>, D: Exports<T>, T: ?Sized + 'static>(field: &'static str) -> Edge {
    Edge { field, to: Some(<From<D> as How<M, T>>::KEY), lazy: false }
}

/// For the members of a set: that item.
///
/// # Errors
///
/// As [`Dependency::take`].
pub fn take_imported<M: Imports<D>, D: Exports<T>, T: ?Sized + 'static>(cx: &Resolver<'_, M>) -> Result<Arc<T>> {
    <From<D> as How<M, T>>::take(cx)
}

/// A singleton that is looked up when it is used, so that two singletons can need each other.
///
/// It keeps nothing alive: it ends with the application.
pub struct Lazy<T: ?Sized> {
    source: Arc<dyn Find<T>>,
    holder: &'static str,
    target: &'static str,
}

trait Find<T: ?Sized>: Send + Sync {
    fn find(&self) -> Found<T>;
}
enum Found<T: ?Sized> {
    Service(Arc<T>),
    NotYet,
    Gone,
}
impl<M: Singleton<T>, T: ?Sized + 'static> Find<T> for Handle<M> {
    fn find(&self) -> Found<T> {
        match self.0.get().map(Weak::upgrade) {
            None => Found::NotYet,
            Some(None) => Found::Gone,
            Some(Some(live)) => M::borrow(&live).peek().cloned().map_or(Found::NotYet, Found::Service),
        }
    }
}

impl<T: ?Sized> Lazy<T> {
    /// The service.
    ///
    /// # Panics
    ///
    /// While the application is being built, and after it has stopped; both sentences name the holder and the service.
    /// [`Lazy::try_get`] returns them instead.
    #[track_caller]
    #[expect(clippy::panic, reason = "documented: the caller holds it at a time when there is no application")]
    pub fn get(&self) -> Arc<T> {
        match self.try_get() {
            Ok(service) => service,
            Err(error) => panic!("{error}"),
        }
    }

    /// The service.
    ///
    /// # Errors
    ///
    /// While the application is being built, and after it has stopped.
    pub fn try_get(&self) -> Result<Arc<T>> {
        let Self { holder, target, .. } = self;
        match self.source.find() {
            Found::Service(service) => Ok(service),
            Found::NotYet => Err(Error::new(format!(
                "`{holder}` used `Lazy<{target}>` while the application was being built; use it after construction"
            ))),
            Found::Gone => Err(Error::new(format!("`{holder}` used `Lazy<{target}>` after the application stopped"))),
        }
    }
}

impl<M: Singleton<T>, T: ?Sized + 'static> Dependency<M> for Lazy<T> {
    const TO: Option<Key> = Some(M::How::KEY);
    const LAZY: bool = true;

    fn take(cx: &Resolver<'_, M>) -> Result<Self> {
        Ok(Self { source: cx.live.handle.clone(), holder: cx.holder, target: M::How::KEY.name })
    }
}

impl<T: ?Sized> Clone for All<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
impl<T: ?Sized> Deref for All<T> {
    type Target = [Arc<T>];

    fn deref(&self) -> &[Arc<T>] {
        &self.0
    }
}
impl<T: ?Sized> fmt::Debug for All<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "All({} of {})", self.len(), std::any::type_name::<T>())
    }
}
impl<T: ?Sized> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lazy<{}>", self.target)
    }
}
