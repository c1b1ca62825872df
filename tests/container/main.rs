//! What the container does at run time: every claim is a test, on tokio's paused clock.
//!
//! `twin` writes one application with the attributes and by hand, and compares the two. The other rooms use the attributes.

mod support;
mod timing;
mod twin;
