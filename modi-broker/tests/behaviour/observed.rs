//! A module whose handlers are watched.

use crate::shop::{Probe, subscriber};
use crate::stage::stage;
use modi_broker::{Attempt, Context, Early, FromMessage, Handler, Json, Outcome, Publisher, Spec, argument, early};
use modi_core::Result;
use modi_core::graph::Edge;
use modi_core::module::Module;
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

stage!(Desk: OrderCame "order_came", InvoiceCame "invoice_came");
