//! What a test puts in the place of providers. The types are checked by the compiler; the owner's entry is what changes,
//! for every importer.

use crate::graph::{AnyArc, Edge, Key};
use crate::lifetime::Keep;
use crate::module::{Module, Provides};
use crate::provide::How;
use crate::scope::{Complete, Site};
use crate::service::{Made, Service, Wire};
use crate::{Error, Result};
use futures_util::future::{BoxFuture, ready};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// The overrides of an application whose root is `M`.
pub struct Overrides<M> {
    pub(crate) list: Vec<Override>,
    root: PhantomData<fn() -> M>,
}

pub(crate) struct Override {
    pub(crate) key: Key,
    pub(crate) with: With,
}

#[derive(Clone)]
pub(crate) enum With {
    Value(AnyArc),
    Fake(Arc<Fake>),
}

/// A fake that is injected itself, from the root module.
pub(crate) struct Fake {
    pub(crate) name: &'static str,
    pub(crate) edges: &'static [Edge],
    pub(crate) make: MakeFake,
    pub(crate) complete: Option<Complete>,
}

type MakeFake = Box<dyn Fn(Site<'_>) -> BoxFuture<'static, Result<MadeFake>> + Send + Sync>;

pub(crate) struct MadeFake {
    /// As the service that it stands for.
    pub(crate) value: AnyArc,
    /// As itself: what its completion is called on.
    pub(crate) own: AnyArc,
}

impl<M: Module> Overrides<M> {
    /// Nothing is overridden.
    pub fn new() -> Self {
        Self { list: Vec::new(), root: PhantomData }
    }

    /// Puts `fake` in the place of what provides `T`, whichever module owns it.
    #[must_use]
    pub fn replace<T: ?Sized + Service>(self, fake: Arc<T>) -> Self
    where
        M: Provides<T>,
    {
        self.replace_in::<M, T>(fake)
    }

    /// The same, seen from module `N`: reaches what `N` keeps private.
    #[must_use]
    pub fn replace_in<N: Provides<T>, T: ?Sized + Service>(mut self, fake: Arc<T>) -> Self {
        self.list.push(Override { key: N::How::KEY, with: With::Value(N::How::erase(fake)) });
        self
    }

    /// Puts a fake there that is injected itself, from the root module. The closure is the coercion: `|fake| fake`.
    ///
    /// A fake that needs what needs it is a start-up error that names both.
    #[must_use]
    pub fn replace_with<T: ?Sized + Service, F: Wire<M>>(mut self, coerce: fn(Arc<F::Output>) -> Arc<T>) -> Self
    where
        M: Provides<T>,
    {
        let name = F::NAME.unwrap_or(std::any::type_name::<F>());
        let both = move |fake: Arc<F::Output>| MadeFake {
            own: F::Keep::erase(fake.clone()),
            value: M::How::erase(coerce(fake)),
        };
        let make: MakeFake = Box::new(move |root| match F::make(&root.resolver::<M>(name)) {
            Err(error) => Box::pin(ready(Err(error))),
            Ok(Made::InPlace) => {
                Box::pin(ready(Err(Error::new("a module's own value cannot stand for another service"))))
            }
            Ok(Made::Ready(fake)) => Box::pin(ready(Ok(both(fake)))),
            Ok(Made::Later(wait)) => Box::pin(async move {
                let fake = F::Keep::restore(&wait.await?);
                fake.map(both).ok_or_else(|| Error::new(format!("`{name}` is kept as another type")))
            }),
        });
        let fake = Fake { name, edges: F::EDGES, make, complete: F::COMPLETE };
        self.list.push(Override { key: M::How::KEY, with: With::Fake(Arc::new(fake)) });
        self
    }
}

impl<M: Module> Default for Overrides<M> {
    fn default() -> Self {
        Self::new()
    }
}
impl<M> fmt::Debug for Overrides<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list.iter().map(|item| item.key)).finish()
    }
}
