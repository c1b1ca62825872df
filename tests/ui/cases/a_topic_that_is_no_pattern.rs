//! Malformed patterns, each said at its handler.
use modi::prelude::*;

#[subscriber("logs.{level")] //~ ERROR listens to `logs.{level`, which is no pattern: a placeholder is a whole part
async fn open() {}

#[subscriber("{a}.{a}")] //~ ERROR a placeholder has a name of its own: one stands there twice
async fn twice() {}

#[subscriber("{a..}.b")] //~ ERROR `{name..}` stands for all the parts that are left: it is the last
async fn early() {}

#[subscriber("dead.{group}.{topic..}")] //~ ERROR a pattern never matches dead letters and retries
async fn dead() {}

#[module(subscribers = [open, twice, early, dead])]
struct LogModule;

fn main() {}
