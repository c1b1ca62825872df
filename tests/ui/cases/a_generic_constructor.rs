//! Constructors and functions that are generic.
use modi::prelude::*;
use std::sync::Arc;

struct Users;
#[injectable]
impl Users {
    fn new<T>(_value: Arc<T>) -> Self {
        Self
    }
}

#[injectable]
fn pool<T>(_value: Arc<T>) -> u32 {
    7
}

#[injectable]
fn number(_value: Arc<impl Send>) -> u32 {
    7
}

fn main() {}
