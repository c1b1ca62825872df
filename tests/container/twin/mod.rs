//! One application, written twice.
mod app;
mod macros;
