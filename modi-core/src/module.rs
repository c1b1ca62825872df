//! What `#[module]` writes on the user's struct, and the module of a running application.

use crate::graph::{AnyLive, Around, Key, Node, Outline};
use crate::link::{Linker, Plan, Space};
use crate::provide::{How, Shared};
use crate::scope::Resolver;
use crate::service::Wire;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

/// A part of an application: what it provides, what it imports, what it exports, and its handlers.
///
/// Written by `#[module]`; the container calls it when an application is built.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a module",
    label = "write `#[module(providers = [..])]` above the struct"
)]
pub trait Module: Sized + Send + Sync + 'static {
    /// The struct's name.
    const NAME: &'static str;
    /// Its own providers and handlers.
    const GRAPH: &'static [Node];
    /// What stands around all of its handlers, outermost first.
    const AROUND: &'static [Around] = &[];
    /// The modules that it imports, as constants.
    const IMPORTS: &'static [Outline] = &[];
    /// An order in which they can be built. Not computed for a graph with a cycle: it is an error of the compiler.
    const ORDER: &'static [usize];
    /// One [`Cell`] a provider, one link an import.
    type Cells: Send + Sync + 'static;

    /// The value of a module without fields. One with fields gets its value from an importer, or from `App::new`.
    fn unit() -> Option<Self> {
        None
    }
    /// Names the imports, with a value where the attribute gives one.
    fn imports(&self, _plan: &mut Plan) {}
    /// Empty cells, but for the module's own values.
    fn cells(self) -> Self::Cells;
    /// Links the imports, once everything is built.
    fn link(_cells: &mut Self::Cells, _linker: &Linker) {}
}

/// Something that a module makes or imports.
#[diagnostic::on_unimplemented(
    message = "module `{Self}` has no provider for `{T}`",
    label = "needs `{T}`, which `{Self}` neither provides nor imports",
    note = "add it to `providers = [..]` of `{Self}`, or import it by name from a module that exports it"
)]
pub trait Provides<T: ?Sized>: Module {
    /// Made by the module itself, or taken from an import.
    type How: How<Self, T>;
}

/// Something that importers of a module may take.
#[diagnostic::on_unimplemented(
    message = "module `{Self}` does not export `{T}`",
    label = "not in `exports = [..]` of `{Self}`"
)]
pub trait Exports<T: ?Sized>: Provides<T> {}

/// One of a module's own providers: its maker, its place in the graph, its cell.
pub trait Owns<T: ?Sized>: Module {
    /// What makes it.
    type By: Wire<Self, Output = T>;
    /// Its place in [`Module::GRAPH`].
    const NODE: usize;
    /// As the user wrote it.
    const ENTRY: &'static str;
    /// Where it is kept.
    fn cell(cells: &Self::Cells) -> &Cell<T>;
    /// The same, while it is being built.
    fn cell_mut(cells: &mut Self::Cells) -> &mut Cell<T>;
}

/// An import of a module.
pub trait Imports<D: Module>: Module {
    /// The link to it.
    fn import(cells: &Self::Cells) -> &Link<D>;
}

/// A singleton of a module, own or imported: what can be borrowed for as long as the application runs.
#[diagnostic::on_unimplemented(
    message = "module `{Self}` has no provider for `{T}`",
    label = "needs `{T}`, which `{Self}` neither provides nor imports",
    note = "add it to `providers = [..]` of `{Self}`, or import it by name from a module that exports it"
)]
pub trait Singleton<T: ?Sized>: Provides<T> {
    /// Where it is kept.
    fn borrow(live: &Live<Self>) -> &Cell<T>;
}

impl<M: Provides<T>, T: ?Sized + 'static> Singleton<T> for M
where
    M::How: Shared<M, T>,
{
    #[inline(always)]
    fn borrow(live: &Live<M>) -> &Cell<T> {
        M::How::shared(live)
    }
}

/// Names a service that a module may do without: `Some` where it is provided or imported, `None` where it is listed in
/// `optional = [..]`.
#[diagnostic::on_unimplemented(
    message = "module `{Self}` says nothing about the optional `{T}`",
    label = "`Option<Arc<{T}>>`: neither provided, nor imported, nor listed as absent",
    note = "provide or import it, or write `optional = [{T}]` in `{Self}`"
)]
pub trait Optional<T: ?Sized>: Module {
    /// Who provides it, if anybody does.
    const KEY: Option<Key>;
    /// Takes it.
    ///
    /// # Errors
    ///
    /// The error of a transient's constructor.
    fn option(cx: &Resolver<'_, Self>) -> crate::Result<Option<Arc<T>>>;
}

#[diagnostic::do_not_recommend]
impl<M: Provides<T>, T: ?Sized + 'static> Optional<T> for M {
    const KEY: Option<Key> = Some(M::How::KEY);

    fn option(cx: &Resolver<'_, M>) -> crate::Result<Option<Arc<T>>> {
        M::How::take(cx).map(Some)
    }
}

/// Holds a singleton once it is built, or what a test put in a provider's place.
pub struct Cell<T: ?Sized>(Option<Arc<T>>);

impl<T: ?Sized> Cell<T> {
    /// Nothing yet.
    pub const fn empty() -> Self {
        Self(None)
    }

    /// A value of the module's own.
    pub const fn full(value: Arc<T>) -> Self {
        Self(Some(value))
    }

    /// What it holds.
    #[inline(always)]
    pub const fn peek(&self) -> Option<&Arc<T>> {
        self.0.as_ref()
    }

    #[inline]
    pub(crate) fn set(&mut self, value: Option<Arc<T>>) {
        self.0 = value;
    }
}

/// The way from a module to one that it imports: there as soon as everything is built.
pub struct Link<D: Module>(Option<Arc<Live<D>>>);

impl<D: Module> Link<D> {
    /// Not linked yet.
    pub const fn open() -> Self {
        Self(None)
    }

    /// Links it.
    pub fn set(&mut self, linker: &Linker) {
        self.0 = linker.module();
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> Option<&Live<D>> {
        self.0.as_deref()
    }
}

/// A module of a running application.
pub struct Live<M: Module> {
    pub(crate) cells: M::Cells,
    /// The number of this module's first node in the application.
    pub(crate) base: usize,
    pub(crate) space: Arc<Space>,
    pub(crate) handle: Arc<Handle<M>>,
}

/// What a [`Lazy`](crate::Lazy) holds: the module, once it runs and for as long as it does.
pub(crate) struct Handle<M: Module>(pub(crate) OnceLock<Weak<Live<M>>>);

/// The modules of an application while its services are built, in the order of linking: the root is the last.
#[derive(Default)]
pub struct Lives(pub(crate) Vec<Box<AnyLive>>);

impl Lives {
    pub(crate) const NONE: &'static Self = &Self(Vec::new());

    /// Not inlined: it is called by the code of every service.
    #[inline(never)]
    pub(crate) fn at<M: Module>(&self, module: usize) -> Option<&Live<M>> {
        self.0[module].downcast_ref()
    }

    /// Not inlined either.
    #[inline(never)]
    pub(crate) fn at_mut<M: Module>(&mut self, module: usize) -> Option<&mut Live<M>> {
        self.0[module].downcast_mut()
    }

    #[expect(clippy::expect_used, reason = "every import of a module is linked before it")]
    pub(crate) fn module<D: Module>(&self) -> &Live<D> {
        self.0.iter().find_map(|live| live.downcast_ref()).expect("an import is linked first")
    }
}

impl<M: Module> Live<M> {
    /// Borrows a singleton.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn get<T: ?Sized + 'static>(&self) -> &Arc<T>
    where
        M: Singleton<T>,
    {
        match M::borrow(self).peek() {
            Some(value) => value,
            None => self.absent(&M::How::KEY),
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    #[expect(clippy::panic, reason = "a test asks for what its own override made superfluous")]
    pub(crate) fn absent(&self, key: &Key) -> ! {
        let Key { name, module, .. } = key;
        let overridden = self.space.overridden();
        panic!("`{name}` of module `{module}` was not built: only what is overridden needed it ({overridden})")
    }
}

impl<T: ?Sized> fmt::Debug for Cell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Cell(full)" } else { "Cell(empty)" })
    }
}
impl<D: Module> fmt::Debug for Link<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", D::NAME)
    }
}
impl fmt::Debug for Lives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lives({} modules)", self.0.len())
    }
}
impl<M: Module> fmt::Debug for Live<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({})", M::NAME)
    }
}
