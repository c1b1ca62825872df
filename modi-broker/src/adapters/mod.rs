//! The brokers. Each knows the [contract](crate::contract), and nothing of the pipeline.

pub(crate) mod memory;
mod offsets;
