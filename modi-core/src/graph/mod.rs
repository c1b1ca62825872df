//! A module as a constant: its providers, its handlers and what each of them needs.
//!
//! The same constant is checked by `cargo check` ([`order`]), gives the order of start-up, and is drawn without
//! building anything ([`Graph`]).

mod check;
mod draw;

pub use check::{MAX, order};
pub use draw::Graph;

use crate::module::Lives;
use crate::scope::{Complete, Site, Step};
use crate::{Module, Result};
use futures_util::future::BoxFuture;
use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

/// A value of any type, shared between threads.
pub type AnyArc = Arc<dyn Any + Send + Sync>;
/// A module, erased, while it is being built.
pub type AnyLive = dyn Any + Send + Sync;
/// A hook of a service whose module is erased.
pub type Hook = fn(&AnyArc) -> BoxFuture<'_, Result>;

/// How long the value of a node lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One a running application.
    Singleton,
    /// One an attempt at a message.
    Scoped,
    /// One a place that asks for it.
    Transient,
    /// A handler: it needs services, and nothing can need it.
    Handler,
}

/// Who provides a dependency.
#[derive(Clone, Copy)]
pub struct Key {
    /// The name of the module that owns the provider.
    pub module: &'static str,
    /// The type of that module; a function, because type ids are not constants yet.
    pub owner: fn() -> TypeId,
    /// Its place in that module's graph.
    pub node: usize,
    /// Its name, as the picture shows it.
    pub name: &'static str,
    /// How long it lives.
    pub kind: Kind,
    /// The owner's graph, once the key has crossed a wall; `None` means the graph at hand.
    pub graph: Option<&'static [Node]>,
}

impl Key {
    /// The graph that [`Key::node`] counts in, seen from `here`.
    pub const fn graph(&self, here: &'static [Node]) -> &'static [Node] {
        match self.graph {
            Some(graph) => graph,
            None => here,
        }
    }
}

/// One dependency of a node.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The field or parameter.
    pub field: &'static str,
    /// Its provider; `None` for what is not a service, and for an optional one that is absent.
    pub to: Option<Key>,
    /// Looked up when it is used, not when its holder is built.
    pub lazy: bool,
}

/// One entry of `providers` or `subscribers`. Its functions take the module erased.
#[derive(Clone, Copy)]
pub struct Node {
    /// What the picture and the errors call it.
    pub name: &'static str,
    /// How long its value lives.
    pub kind: Kind,
    /// What it needs.
    pub edges: &'static [Edge],
    /// Makes the value from what is ready.
    pub make: Make,
    /// Runs after all constructors.
    pub start: Option<Hook>,
    /// Runs at stop, if `start` went well or there is none.
    pub stop: Option<Hook>,
    /// Runs at the end of a scope.
    pub complete: Option<Complete>,
    /// The handlers that this entry brings.
    pub handlers: &'static [HandlerNode],
}

/// How a node gets its value.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    /// A singleton: once, into its cell. A value that is given is put there as it is.
    Once(MakeOnce),
    /// A scoped service: for the scope at hand.
    Each(fn(Site<'_>) -> Result<Step>),
    /// A transient, which is made in line where it is taken, or a handler.
    Inline,
}

/// Makes a singleton of the module with this place in the list.
pub type MakeOnce = fn(&mut Lives, usize, Option<&AnyArc>) -> Result<Step>;

/// A handler: what it needs, and how the layer above makes it run.
#[derive(Clone, Copy)]
pub struct HandlerNode {
    /// The function's name.
    pub name: &'static str,
    /// What its arguments need.
    pub edges: &'static [Edge],
    /// What stands around it, outermost first: what its module says, then what it says itself.
    pub around: [&'static [Around]; 2],
    /// What is known of it before anything is built, to the layer that made the node.
    pub spec: &'static (dyn Any + Send + Sync),
    /// Binds it to the module of a running application. What comes out is known to the layer that made the node.
    pub mount: fn(&AnyArc) -> Box<dyn Any + Send + Sync>,
}

/// A service that stands around handlers.
#[derive(Clone, Copy)]
pub struct Around {
    /// The service.
    pub edge: Edge,
    /// How it is taken: known to the layer that made the handlers.
    pub take: &'static (dyn Any + Send + Sync),
}

impl HandlerNode {
    /// Everything that an attempt needs, in the order in which it is made: what stands around the handler, then what its
    /// arguments need.
    pub fn needs(&self) -> impl Iterator<Item = &'static Edge> {
        self.around.into_iter().flatten().map(|around| &around.edge).chain(self.edges)
    }
}

/// A module as a constant: what is drawn, and where its imports lead.
#[derive(Clone, Copy)]
pub struct Outline {
    /// The module's name.
    pub module: &'static str,
    /// Its type.
    pub owner: fn() -> TypeId,
    /// Its own providers and handlers.
    pub graph: &'static [Node],
    /// The modules that it imports.
    pub imports: &'static [Self],
}

/// One row of [`Module::IMPORTS`]. Modules that import each other are an error of the compiler here.
pub const fn outline<M: Module>() -> Outline {
    Outline { module: M::NAME, owner: TypeId::of::<M>, graph: M::GRAPH, imports: M::IMPORTS }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{} ({:?})", self.module, self.name, self.kind)
    }
}
impl fmt::Debug for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outline({})", self.module)
    }
}
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("edges", &self.edges)
            .finish_non_exhaustive()
    }
}
impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Around({:?})", self.edge.to)
    }
}
impl fmt::Debug for HandlerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerNode").field("name", &self.name).field("edges", &self.edges).finish_non_exhaustive()
    }
}
