//! A parameter that is no dependency.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users {
    fn new(
        _count: u32, //~ NOTE unsatisfied trait bound introduced here
    ) -> Self {
        Self
    }
}

#[module(providers = [Users])] //~ ERROR `u32` is not a dependency
//~| NOTE neither `Arc<_>`, `Option<Arc<_>>`, `Lazy<_>` nor `All<dyn _>`
struct AppModule;

fn main() {}
