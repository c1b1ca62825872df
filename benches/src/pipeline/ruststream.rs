//! RustStream 0.7: the same handlers on its in-memory broker.
//!
//! It has no scoped services. Its in-memory queue has no bound and no prefetch, and a subscription receives what is
//! published after it opens: so dispatch alone can be measured on one thread only, where nothing runs while the queue is
//! filled.

use super::case::{Case, Crowd, Flow, Work};
use super::hand::Payment;
use super::ledger::Ledger;
use super::order::{Bodies, Order};
use super::subject::{Prepare, Run};
use ::modi::{Error, Result};
use ruststream::memory::prelude::*;
use ruststream::{OutgoingMessage, nonzero};
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::task::yield_now;

#[derive(Deserialized)]
struct Body<'a>(&'a [u8]);

#[subscriber("orders")]
async fn bytes(body: &Body<'_>, State(ledger): State<Arc<Ledger>>) -> HandlerOutcome {
    ledger.body(body.0);
    HandlerOutcome::ack()
}

#[subscriber("orders")]
async fn json(order: &Order, State(ledger): State<Arc<Ledger>>) -> HandlerOutcome {
    ledger.order(order);
    HandlerOutcome::ack()
}

#[derive(Serialize, Outgoing)]
#[outgoing(name = "paid")]
struct Paid(Payment);

#[subscriber("orders", reply)]
async fn publishing(order: &Order, State(ledger): State<Arc<Ledger>>) -> Paid {
    ledger.order(order);
    Paid(Payment::of(order))
}

/// The state of the application.
#[derive(FromRef)]
struct Services {
    ledger: Arc<Ledger>,
}

/// A service that starts on a broker.
type Start = fn(&Runtime, MemoryBroker, Arc<Ledger>) -> Result<RunningApp>;

/// How to make runs of a case.
pub fn prepares(case: Case, threads: usize) -> Option<Prepare> {
    let can = match case {
        Case { work: Work::Scoped | Work::Batches, .. } => false,
        Case { crowd, .. } if crowd != Crowd::Nobody => false,
        Case { flow: Flow::Dispatch, batch, .. } => threads == 1 && batch > 1,
        Case { flow: Flow::PublishAndDispatch, .. } => true,
    };
    can.then_some(prepare)
}

fn starts(case: Case) -> Option<Start> {
    macro_rules! start {
        ($($mount:tt)*) => {
            |runtime, broker, ledger| {
                let app = RustStream::new(AppInfo::new("bench", "0.1.0"))
                    .on_startup(async move |()| Ok::<_, Infallible>(Services { ledger }))
                    .with_broker(broker, |b| { b.include($($mount)*); });
                runtime.block_on(app.start()).map_err(|error| Error::new(error.to_string()))
            }
        };
    }
    Some(match (case.work, case.concurrency) {
        (Work::Bytes, 1) => start!(bytes),
        (Work::Bytes, 8) => start!(bytes.workers(nonzero!(8))),
        (Work::Bytes, 64) => start!(bytes.workers(nonzero!(64))),
        (Work::Json, 1) => start!(json),
        (Work::Json, 8) => start!(json.workers(nonzero!(8))),
        (Work::Json, 64) => start!(json.workers(nonzero!(64))),
        (Work::Publishing, 1) => start!(publishing),
        (Work::Publishing, 8) => start!(publishing.workers(nonzero!(8))),
        (Work::Publishing, 64) => start!(publishing.workers(nonzero!(64))),
        _ => return None,
    })
}

struct Service {
    case: Case,
    messages: u64,
    ledger: Arc<Ledger>,
    broker: MemoryBroker,
    running: RunningApp,
    bodies: Option<Bodies>,
}

fn prepare(case: Case, messages: u64, runtime: &Runtime) -> Result<Box<dyn Run>> {
    let ledger = Arc::new(Ledger::new(messages));
    let broker = MemoryBroker::new();
    let start = starts(case).ok_or_else(|| Error::new("no such case"))?;
    let running = start(runtime, broker.clone(), ledger.clone())?;
    let mut bodies = Some(Bodies::new()?);
    if case.flow == Flow::Dispatch
        && let Some(bodies) = bodies.take()
    {
        // It never waits, so that nothing else runs on this thread meanwhile.
        runtime.block_on(publish(broker.clone(), bodies, messages, u64::MAX))?;
    }
    Ok(Box::new(Service { case, messages, ledger, broker, running, bodies }))
}

async fn publish(broker: MemoryBroker, mut bodies: Bodies, messages: u64, batch: u64) -> Result {
    let publisher = broker.publisher();
    for number in 0..messages {
        publisher.publish(OutgoingMessage::produced("orders", bodies.buffer(number)), None).await?;
        if (number + 1) % batch == 0 {
            yield_now().await;
        }
    }
    Ok(())
}

impl Run for Service {
    fn work(&mut self, runtime: &Runtime) -> Result {
        let (messages, batch, broker) = (self.messages, self.case.batch, self.broker.clone());
        let bodies = self.bodies.take();
        runtime.block_on(async {
            let feed = bodies.map(|bodies| tokio::spawn(publish(broker, bodies, messages, batch)));
            self.ledger.done().await;
            match feed {
                Some(feed) => feed.await?,
                None => Ok(()),
            }
        })
    }

    fn finish(self: Box<Self>, runtime: &Runtime) -> Result {
        runtime.block_on(self.running.shutdown()).map_err(|error| Error::new(error.to_string()))?;
        if self.ledger.is_whole() { Ok(()) } else { Err(Error::new("a message is missing")) }
    }
}
