//! One application, written twice.
mod app;
mod by_hand;
mod macros;
