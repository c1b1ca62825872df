//! Modi.
pub use modi_core::{
    Advice, All, App, AppScope, BoxError, Completion, Dependency, Error, Graph, Lazy, Lifecycle, Overrides, Result,
    RunningApp, Scoped, StartError, Stop,
};
pub use modi_macros::{injectable, module};

/// What nearly every file of an application uses.
pub mod prelude {
    pub use crate::{All, App, Completion, Lazy, Lifecycle, Scoped, injectable, module};
}

/// What the attributes write. Not for users: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use modi_core::dependency::{Dependency, edge, imported, take, take_imported};
    pub use modi_core::graph::{Edge, HandlerNode, Key, Node, order};
    pub use modi_core::module::{Cell, Exports, Imports, Link, Module, Optional, Owns, Provides};
    pub use modi_core::scope::{Complete, Resolver};
    pub use modi_core::service::{
        Made, Service, ServiceHook, Source, Value, Wire, completes, constructed, keep, later, node, node_with, starts,
        stops,
    };
    pub use modi_core::{Linker, Plan, lifetime, provide};
}
