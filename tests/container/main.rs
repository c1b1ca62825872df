//! What the container does at run time: every claim is a test, on tokio's paused clock.
//!
//! `twin` writes one application with the attributes and by hand, and compares the two. The other rooms use the attributes.

#![cfg(test)]

mod failures;
mod graph;
mod hooks;
mod lazy;
mod mf_a5;
mod overrides;
mod providers;
mod scopes;
mod sharing;
mod stop;
mod support;
#[path = "../../modi-broker/tests/common/time.rs"]
mod time;
mod timing;
mod twin;
mod values;
