//! Two functions could be the constructor.
use modi::prelude::*;

struct Users;
#[injectable]
impl Users { //~ ERROR several constructors (`new`, `connect`): write `#[constructor]` above the one that the container calls
    fn new() -> Self {
        Self
    }
    fn connect() -> Result<Self, modi::Error> {
        Ok(Self)
    }
}

#[module(providers = [Users])]
struct AppModule;

fn main() {}
