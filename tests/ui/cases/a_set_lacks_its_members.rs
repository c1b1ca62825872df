//! `All<_>` of a trait that no entry joins.
use modi::prelude::*;

trait Health: Send + Sync {}
#[injectable]
struct Monitor {
    _all: All<dyn Health>, //~ NOTE unsatisfied trait bound introduced here
}

#[module(providers = [Monitor])] //~ ERROR module `AppModule` has no provider for `modi::All<(dyn Health + 'static)>`
struct AppModule;

fn main() {}
