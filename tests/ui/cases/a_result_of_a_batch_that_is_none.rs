//! A handler of batches says what becomes of each message, or of all.
use modi::prelude::*;

#[subscriber("a", batch = 10)]
async fn sums(numbers: Vec<Json<u32>>) -> Json<u32> { //~ ERROR `modi::Json<u32>` is not a result of a handler of batches
    Json(numbers.iter().map(|Json(number)| number).sum())
}

#[module(subscribers = [sums])]
struct AppModule;

fn main() {}
