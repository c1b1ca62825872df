//! Other containers, each used as its own documentation recommends for singletons.
//!
//! Every module has the same functions for graphs of 10, 50 and 200 services: `container_N` makes
//! the container, `build_N` also resolves every service, and `get_N` gets the last service of a
//! built container. `scope_container` and `scoped` are the scoped graph of one message, for the
//! containers that have scopes.

pub mod ferrous_di;
pub mod froodi;
pub mod shaku;
