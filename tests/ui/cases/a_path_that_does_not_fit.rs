//! `Path<_>` has one value for each placeholder of its topic, in a constant as well.
use modi::prelude::*;

const LOGS: &str = "logs.{level}.{source..}";

#[subscriber("logs.{level}")] //~ ERROR handler `two` takes a `Path<_>` that does not fit its topic `logs.{level}`
async fn two(Path((_level, _source)): Path<(String, u32)>) {}

#[subscriber(LOGS)] //~ ERROR handler `one` takes a `Path<_>` that does not fit its topic `logs.{level}.{source..}`
async fn one(Path(_level): Path<String>) {}

#[subscriber("logs")] //~ ERROR handler `none` takes a `Path<_>` that does not fit its topic `logs`
async fn none(Path(_level): Path<String>) {}

#[module(subscribers = [two, one, none])]
struct LogModule;

fn main() {}
