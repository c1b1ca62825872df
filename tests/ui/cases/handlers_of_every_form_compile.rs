//! Functions and methods, arguments and results.
use modi::prelude::*;
use std::sync::Arc;

#[injectable]
struct Orders;
trait Audit: Send + Sync {}

const TOPIC: &str = "constants.work";

#[subscriber("a")]
async fn nothing() {}

#[subscriber("b", group = "g", publish = "c", retries = 5, deadline = "250ms", prefetch = 16, ack = received)]
async fn everything(
    Json(id): Json<u32>,
    _orders: Arc<Orders>,
    _audit: Option<Arc<dyn Audit>>,
    _context: Context,
    _key: Key,
    _headers: Headers,
    _publisher: Publisher,
) -> modi::Result<Option<Json<u32>>> {
    Ok(Some(Json(id)))
}

#[subscriber("d", concurrency = 8, order = key, scope = process, tasks = 1, start = latest)]
async fn side_by_side(_key: Key) {}

#[subscriber("readings", batch = 100, linger = "20ms", prefetch_bytes = 4_096, rate = "5000/h")]
async fn batch(_numbers: Vec<Json<u32>>, _keys: Vec<Key>, _orders: Arc<Orders>, _publisher: Publisher) -> Vec<Outcome> {
    Vec::new()
}
#[subscriber("lines", batch = 10, middleware = [Timing])]
fn lines(_lines: Vec<String>) -> modi::Result {
    Ok(())
}

#[injectable]
struct Timing;
impl modi::Middleware for Timing {}
#[injectable(scoped)]
struct Tenant<T: Send + Sync + 'static>(#[default] std::marker::PhantomData<T>);
impl<T: Send + Sync + 'static> modi::Middleware for Tenant<T> {}

#[subscriber("surrounded", middleware = [Timing, Tenant<u32>])]
async fn surrounded() {}

const STEPS: &[std::time::Duration] = &[std::time::Duration::from_secs(60)];

#[subscriber("put.off", redeliver = ["1m", "10m"])]
async fn put_off() {}
#[subscriber("put.off.too", redeliver = STEPS)]
async fn put_off_too() {}
#[subscriber("halting", failure = stop_app, on_error = judge, errors = off)]
async fn halting() {}
fn judge(failed: &modi::Failed<'_>) -> Option<Outcome> {
    failed.has_retries().then(Outcome::retry)
}

#[subscriber(TOPIC)]
fn without_waiting(_message: Message) -> Outcome {
    Outcome::Ack
}

struct Level;
impl std::str::FromStr for Level {
    type Err = std::io::Error;
    fn from_str(_: &str) -> Result<Self, Self::Err> {
        Ok(Self)
    }
}

#[subscriber("logs.{level}")]
async fn one_placeholder(Path(_level): Path<String>) {}

#[subscriber("logs.{level}.{source..}")]
async fn two_placeholders(Path((_level, _source)): Path<(Level, String)>, _context: Context) {}

#[subscriber("logs.{level}.of.{source}")]
async fn placeholders_that_nobody_takes(_context: Context) {}

#[subscriber("price.of", reply)]
async fn an_answer(Json(id): Json<u32>) -> Option<Json<u32>> {
    Some(Json(id))
}

#[subscriber("news", publish = ["paper", "radio"])]
async fn for_several_topics(Body(id): Body<u32>) -> Vec<String> {
    vec![id.to_string()]
}

#[subscriber("pairs")]
async fn two_results(payload: Option<String>) -> Option<(To<Json<u32>>, To<String>)> {
    payload.map(|text| (To::new("numbers", Json(1)), To::new("texts", text)))
}

#[injectable]
struct Events {
    _orders: Arc<Orders>,
}
#[subscriber]
impl Events {
    #[subscribe("d")]
    async fn first(&self, Json(_id): Json<u32>) -> Result<(), std::io::Error> {
        Ok(())
    }
    #[subscribe("e")]
    async fn second(&self) -> Vec<To<Json<u32>>> {
        vec![To::new("f", Json(1))]
    }
}

const PREFIX: &str = "returns.";
const ACCEPTED: &str = "accepted";

#[injectable]
struct Returns;
#[subscriber(prefix = PREFIX)]
impl Returns {
    #[subscribe("{product}.asked", group = "g")]
    async fn asked(&self, Path(_product): Path<String>) {}
    #[subscribe(ACCEPTED)]
    async fn accepted(&self) {}
}

#[module(
    providers = [Orders, Timing, Tenant<u32>],
    middleware = [Timing, #[cfg(any())] Missing],
    subscribers = [nothing, everything, surrounded, side_by_side, batch, lines, put_off, put_off_too, halting, without_waiting, one_placeholder,
        two_placeholders, placeholders_that_nobody_takes, an_answer, for_several_topics, two_results,
        Events, Returns],
    optional = [dyn Audit],
)]
struct AppModule;

fn main() {}
