//! The order example of the README, as it stands there.

use modi::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[derive(Serialize, Deserialize)]
struct OrderCreated {
    id: String,
    quantity: u32,
    amount: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct PaymentRequested {
    order_id: String,
    amount: f64,
}

#[injectable] // every field is a dependency, unless it says where it comes from
struct Stock {
    #[default(AtomicU32::new(100))]
    left: AtomicU32,
}

#[subscriber("orders.created", group = "orders", publish = "payments.requested")]
async fn order_created(Json(order): Json<OrderCreated>, stock: Arc<Stock>) -> Option<Json<PaymentRequested>> {
    stock.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(order.quantity)).ok()?; // None: nothing to publish
    Some(Json(PaymentRequested { order_id: order.id, amount: order.amount })) // published, confirmed, then acknowledged
}

#[module(providers = [Stock], subscribers = [order_created])]
struct OrderModule;

#[tokio::main]
async fn main() -> modi::Result {
    let broker = Broker::from_env()?; // MODI_BROKER_URL=memory://
    App::new(OrderModule).broker(broker).run().await // until SIGTERM, ctrl-c or a fatal error; drains
}

#[tokio::test]
async fn an_order_is_paid() {
    let app = TestApp::start(OrderModule).await.unwrap();
    app.publish("orders.created", &OrderCreated { id: "7".into(), quantity: 2, amount: 9.99 }).await.unwrap();
    let payment = PaymentRequested { order_id: "7".into(), amount: 9.99 };
    assert_eq!(app.published::<PaymentRequested>("payments.requested"), [payment]);
}
