//! A rate is so many messages in a second, a minute or an hour.
use modi::prelude::*;

#[subscriber("a", rate = "0/s")] //~ ERROR write a rate as `"100/s"`, `"20/m"` or `"5000/h"`
async fn none() {}

#[subscriber("b", rate = 100)] //~ ERROR write a rate as `"100/s"`, `"20/m"` or `"5000/h"`
async fn number() {}

fn main() {}
