//! What a test puts in the place of providers. The types are checked by the compiler; the owner's entry is what changes,
//! for every importer.

use crate::graph::{AnyArc, Edge, Hook, Key, Kind, Make};
use crate::lifetime::{Keep, Lifetime};
use crate::link::Modules;
use crate::module::{Module, Provides};
use crate::provide::How;
use crate::scope::{Complete, Site};
use crate::service::{Made, Wire};
use crate::{Error, Result};
use futures_util::future::{BoxFuture, ready};
use std::collections::{HashMap, HashSet};
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
    /// One a scope, also where it stands for another name of a scoped service, which needs no place of its own.
    pub(crate) scoped: bool,
    /// Hooks of the fake itself.
    pub(crate) start: Option<Hook>,
    pub(crate) stop: Option<Hook>,
    pub(crate) complete: Option<Complete>,
}

type MakeFake = Box<dyn Fn(Site<'_>) -> BoxFuture<'static, Result<MadeFake>> + Send + Sync>;

pub(crate) struct MadeFake {
    /// As the service that it stands for.
    pub(crate) value: AnyArc,
    /// As itself: what its hooks and its completion are called on.
    pub(crate) own: AnyArc,
}

impl<M: Module> Overrides<M> {
    /// Nothing is overridden.
    pub fn new() -> Self {
        Self { list: Vec::new(), root: PhantomData }
    }

    /// Puts `fake` in the place of what provides `T`, whichever module owns it. It is the test's: no hook of it runs.
    #[must_use]
    pub fn replace<T: ?Sized + 'static>(self, fake: Arc<T>) -> Self
    where
        M: Provides<T>,
    {
        self.replace_in::<M, T>(fake)
    }

    /// The same, seen from module `N`: reaches what `N` keeps private.
    #[must_use]
    pub fn replace_in<N: Provides<T>, T: ?Sized + 'static>(mut self, fake: Arc<T>) -> Self {
        self.list.push(Override { key: N::How::KEY, with: With::Value(N::How::erase(fake)) });
        self
    }

    /// Puts a fake there that is injected itself, from the root module. The closure is the coercion: `|fake| fake`. Its own
    /// hooks run, not those of what it stands for.
    ///
    /// What the compiler cannot see of it is a start-up error by name: a fake that needs what needs it, and one that would
    /// make a singleton keep a scoped service.
    #[must_use]
    pub fn replace_with<T: ?Sized + 'static, F: Wire<M>>(mut self, coerce: fn(Arc<F::Output>) -> Arc<T>) -> Self
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
        let (start, stop) =
            (F::START.map(|_| hook::<M, F, true> as Hook), F::STOP.map(|_| hook::<M, F, false> as Hook));
        let scoped = F::Life::KIND == Kind::Scoped;
        let fake = Fake { name, edges: F::EDGES, make, scoped, start, stop, complete: F::COMPLETE };
        self.list.push(Override { key: M::How::KEY, with: With::Fake(Arc::new(fake)) });
        self
    }
}

fn hook<M: Module, F: Wire<M>, const START: bool>(fake: &AnyArc) -> BoxFuture<'_, Result> {
    match (if START { F::START } else { F::STOP }, F::Keep::restore(fake)) {
        (Some(hook), Some(fake)) => Box::pin(async move { hook(&fake).await }),
        _ => Box::pin(ready(Ok(()))),
    }
}

/// An application's graph with what tests put into it: more than the compiler saw.
pub(crate) struct Replaced<'a> {
    pub(crate) modules: &'a Modules,
    pub(crate) with: &'a HashMap<usize, With>,
}

impl Replaced<'_> {
    pub(crate) fn edges(&self, id: usize) -> &'static [Edge] {
        match self.with.get(&id) {
            None => self.modules.node(id).2.edges,
            Some(With::Value(_)) => &[],
            Some(With::Fake(fake)) => fake.edges,
        }
    }

    /// The nodes that must be ready first.
    pub(crate) fn eager(&self, id: usize) -> impl Iterator<Item = (&'static Edge, usize, Kind)> + '_ {
        let edges = self.edges(id).iter().filter(|edge| !edge.lazy);
        edges.filter_map(|edge| edge.to.as_ref().and_then(|key| Some((edge, self.modules.id(key)?, key.kind))))
    }

    /// The cycles that fakes close, each once.
    pub(crate) fn cycles(&self) -> Vec<String> {
        let mut fakes: Vec<usize> = self.with.keys().copied().collect();
        fakes.sort_unstable();
        let (mut known, mut cycles) = (HashSet::new(), Vec::new());
        for fake in fakes {
            let way = self.way(fake, &|_| true, &|to, _| to == fake, &mut HashSet::new());
            if let Some(way) = way.filter(|_| !known.contains(&fake)) {
                known.extend(way.iter().map(|(_, id)| *id));
                cycles.push(self.text(fake, way));
            }
        }
        cycles
    }

    /// The singletons that would keep a scoped service because of a fake.
    pub(crate) fn captives(&self) -> Vec<String> {
        if !self.with.values().any(|with| matches!(with, With::Fake(_))) {
            return Vec::new();
        }
        let singletons = (0..self.modules.len()).filter(|id| matches!(self.modules.node(*id).2.make, Make::Once(_)));
        let captives = singletons.filter_map(|id| {
            let transient = |kind| kind == Kind::Transient;
            let kept = |to, kind| kind == Kind::Scoped && !matches!(self.with.get(&to), Some(With::Value(_)));
            let way = self.way(id, &transient, &kept, &mut HashSet::new())?;
            let way = self.text(id, way);
            Some(format!("an injected fake makes a singleton keep a scoped service for ever: {way} (scoped)"))
        });
        captives.collect()
    }

    /// A way along eager edges to where it `ends`, if there is one.
    fn way(
        &self,
        from: usize,
        through: &dyn Fn(Kind) -> bool,
        ends: &dyn Fn(usize, Kind) -> bool,
        seen: &mut HashSet<usize>,
    ) -> Option<Vec<(&'static str, usize)>> {
        self.eager(from).find_map(|(edge, to, kind)| {
            let rest = match ends(to, kind) {
                true => Some(Vec::new()),
                false if through(kind) && seen.insert(to) => self.way(to, through, ends, seen),
                false => None,
            }?;
            Some(std::iter::once((edge.field, to)).chain(rest).collect())
        })
    }

    fn text(&self, from: usize, way: Vec<(&'static str, usize)>) -> String {
        let name = |id| {
            let (_, module, node) = self.modules.node(id);
            format!("{}::{}", module.name, node.name)
        };
        let steps = way.into_iter().map(|(field, to)| format!(" --{field}--> {}", name(to)));
        std::iter::once(name(from)).chain(steps).collect()
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
