//! Constructors and functions that are generic.
use modi::prelude::*;
use std::sync::Arc;

struct Users;
#[injectable]
impl Users {
    fn new<T>(_value: Arc<T>) -> Self { //~ ERROR a constructor cannot be generic: the container calls it with what the module provides
        Self
    }
}

#[injectable]
fn pool<T>(_value: Arc<T>) -> u32 { //~ ERROR a constructor cannot be generic: the container calls it with what the module provides
    7
}

#[injectable]
fn number(_value: Arc<impl Send>) -> u32 { //~ ERROR a constructor cannot be generic: the container calls it with what the module provides
    7
}

fn main() {}
