//! A field whose service nobody provides: the entry, and the field in a note.
use modi::prelude::*;
use std::sync::Arc;

trait Mailer: Send + Sync {}

#[injectable]
struct Users {
    _mailer: Arc<dyn Mailer>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [Users])] //~ ERROR module `AppModule` has no provider for `(dyn Mailer + 'static)`
//~| NOTE which `AppModule` neither provides nor imports
//~| NOTE add it to `providers = [..]` of `AppModule`, or import it by name from a module that exports it
struct AppModule;

fn main() {}
