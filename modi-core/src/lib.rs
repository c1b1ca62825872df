//! The container, the modules and the life of a Modi application. Knows no broker.
//!
//! | room | what is in it |
//! |---|---|
//! | [`graph`] | a module as a constant: checked by the compiler, drawn without building anything |
//! | [`module`], [`service`], [`dependency`] | what `#[module]` and `#[injectable]` write, and the spellings of a dependency |
//! | [`lifetime`], [`provide`] | how long a service lives; whether a module makes it or imports it |
//! | [`scope`] | where services are taken from, and what one attempt at one message keeps |
//! | `link`, `start` | from a root module to its services, along the graph |
//! | [`app`](App), [`running`](RunningApp), [`component`] | start, drain, stop |
//!
//! Data flows one way: constants (`graph`) → linked modules (`link`) → built services (`start`) → a running application
//! (`running`) → scopes (`scope`).

mod app;
pub mod component;
pub mod dependency;
mod error;
pub mod graph;
mod life;
pub mod lifetime;
mod link;
pub mod module;
mod overrides;
pub mod provide;
mod running;
pub mod scope;
pub mod service;
mod start;

pub use app::App;
pub use component::{Component, Declared, Host, Mounted};
pub use dependency::{All, Dependency, Lazy};
pub use error::{Advice, BoxError, Classify, Error, Result};
pub use graph::{Around, Edge, Graph, HandlerNode, Key, Kind, Node};
pub use life::{Signals, Stop};
pub use link::{Linker, Plan};
pub use module::Module;
pub use overrides::Overrides;
pub use running::{AppScope, RunningApp};
pub use scope::{Completion, Resolver, Scope, ScopePlan};
pub use service::{Lifecycle, Scoped, Service};
pub use start::StartError;
