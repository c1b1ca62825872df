//! A type that does not stand for placeholders.
use modi::prelude::*;

struct Level;

#[subscriber("logs.{level}")]
async fn logged(Path(_level): Path<Level>) {}

#[module(subscribers = [logged])] //~ ERROR `Level` does not stand for the placeholders of a topic
//~| NOTE a tuple of types with `FromStr`: `Path<(Level,)>`
struct LogModule;

fn main() {}
