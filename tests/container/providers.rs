//! Every way to write a provider and a dependency.

mod makers;
mod names;
mod walls;

use modi::{All, injectable};
use std::sync::Arc;

/// One instance under two names.
fn same<A: ?Sized, B: ?Sized>(one: &Arc<A>, other: &Arc<B>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

trait Mailer: Send + Sync {
    fn name(&self) -> &'static str;
}

trait Health: Send + Sync {
    fn part(&self) -> &'static str;
}

#[injectable]
struct Smtp {
    #[default("smtp")]
    name: &'static str,
}

impl Mailer for Smtp {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl Health for Smtp {
    fn part(&self) -> &'static str {
        self.name
    }
}

#[injectable]
struct Disk;

impl Health for Disk {
    fn part(&self) -> &'static str {
        "disk"
    }
}

fn parts(all: &All<dyn Health>) -> Vec<&'static str> {
    all.iter().map(|health| health.part()).collect()
}
