//! What the benchmarks measure, and how: every subject does the same work in the same run.

pub mod container;
pub mod measure;
pub mod pipeline;
