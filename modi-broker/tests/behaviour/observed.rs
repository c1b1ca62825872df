//! A module whose handlers are watched.

use crate::shop::{Functions, Probe, own, subscriber};
use modi_broker::{
    Attempt, Context, Early, FromMessage, Handler, Json, Outcome, Publisher, Spec, Subscribes, argument, early, handler,
};
use modi_core::graph::{Edge, HandlerNode, Node, order};
use modi_core::module::{Cell, Module, Owns, Provides};
use modi_core::service::{node, node_with};
use modi_core::{Result, provide};
use std::sync::Arc;

/// `#[subscriber("orders", group = "desk", publish = "invoices")]`: says something before and after it waits, and
/// publishes in both ways.
async fn order_came(
    Json(n): Json<u32>,
    context: Context,
    publisher: Publisher,
    probe: Arc<Probe>,
) -> Result<Option<Json<u32>>> {
    tracing::info!(n, "before");
    tokio::task::yield_now().await;
    tracing::info!(n, "after");
    probe.note(format!("trace {}", context.trace().map(|trace| trace.to_string()).unwrap_or_default()));
    let outcome = probe.play("order", n, &context).await?;
    publisher.publish("notices", &n).await?;
    Ok((outcome == Outcome::Ack).then_some(Json(n)))
}

/// `#[subscriber("invoices", group = "desk", concurrency = 2)]`
async fn invoice_came(Json(n): Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome> {
    probe.play("invoice", n, &context).await
}

subscriber!(OrderCame = order_came(n: Json<u32>, context: Context, publisher: Publisher, probe: Arc<Probe>) -> Result<Option<Json<u32>>>,
    Spec::new("orders").group("desk").publish("invoices"));
subscriber!(InvoiceCame = invoice_came(n: Json<u32>, context: Context, probe: Arc<Probe>) -> Result<Outcome>,
    Spec::new("invoices").group("desk").concurrency(2));

impl Subscribes<Desk> for Functions {
    const HANDLERS: &'static [HandlerNode] =
        &[handler::<Desk, OrderCame>("order_came"), handler::<Desk, InvoiceCame>("invoice_came")];
}

pub(crate) struct Desk;

pub(crate) struct Cells {
    probe: Cell<Probe>,
    functions: Cell<Functions>,
}

own!(Desk, Cells, 0 probe: Probe);
own!(Desk, Cells, 1 functions: Functions);

impl Module for Desk {
    const NAME: &'static str = "Desk";
    const GRAPH: &'static [Node] =
        &[node::<Self, Probe>(), node_with::<Self, Functions>(<Functions as Subscribes<Self>>::HANDLERS)];
    const ORDER: &'static [usize] = &order::<2>(Self::NAME, Self::GRAPH);
    type Cells = Cells;

    fn unit() -> Option<Self> {
        Some(Self)
    }
    fn cells(self) -> Cells {
        Cells { probe: Cell::empty(), functions: Cell::empty() }
    }
}
