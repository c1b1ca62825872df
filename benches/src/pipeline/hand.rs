//! The floor: the handlers in a loop, without anything that hands messages out.

use super::case::{Case, Flow, Work};
use super::ledger::Ledger;
use super::order::{Bodies, Order};
use super::subject::Run;
use ::modi::{Error, Result};
use bytes::Bytes;
use serde::Serialize;
use std::hint::black_box;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// What the case with a result publishes.
#[derive(Debug, Serialize)]
pub struct Payment {
    /// Of the order.
    pub id: u64,
    /// To be paid.
    pub cents: u64,
}

impl Payment {
    /// For an order.
    pub fn of(order: &Order) -> Self {
        Self { id: order.id, cents: order.price_cents }
    }
}

struct Loop {
    case: Case,
    messages: u64,
    ledger: Arc<Ledger>,
    bodies: Bodies,
    /// Made before, where publishing is not measured.
    filled: Vec<Bytes>,
}

/// Makes a run.
///
/// # Errors
///
/// None.
pub fn prepare(case: Case, messages: u64, _: &Runtime) -> Result<Box<dyn Run>> {
    let mut bodies = Bodies::new()?;
    let filled = match case.flow {
        Flow::Dispatch => (0..messages).map(|number| bodies.payload(number)).collect(),
        Flow::PublishAndDispatch => Vec::new(),
    };
    Ok(Box::new(Loop { case, messages, ledger: Arc::new(Ledger::new(messages)), bodies, filled }))
}

impl Run for Loop {
    fn work(&mut self, _: &Runtime) -> Result {
        let Self { case, messages, ledger, bodies, filled } = self;
        match case.flow {
            Flow::Dispatch => filled.drain(..).try_for_each(|body| handle(case.work, &body, ledger)),
            Flow::PublishAndDispatch => {
                (0..*messages).try_for_each(|number| handle(case.work, &bodies.payload(number), ledger))
            }
        }
    }

    fn finish(self: Box<Self>, _: &Runtime) -> Result {
        if self.ledger.is_whole() { Ok(()) } else { Err(Error::new("a message is missing")) }
    }
}

fn handle(work: Work, body: &Bytes, ledger: &Arc<Ledger>) -> Result {
    match work {
        Work::Bytes | Work::Batches => ledger.body(body),
        Work::Json => ledger.order(&serde_json::from_slice(body)?),
        Work::Scoped => {
            let order = serde_json::from_slice(body)?;
            let scoped = black_box(Arc::new(ledger.clone()));
            scoped.order(&order);
        }
        Work::Publishing => {
            let order = serde_json::from_slice(body)?;
            ledger.order(&order);
            black_box(serde_json::to_vec(&Payment::of(&order))?);
        }
    }
    Ok(())
}
