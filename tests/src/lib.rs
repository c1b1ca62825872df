//! What the tests share.

pub mod count;
