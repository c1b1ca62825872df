//! The acceptance scenarios, by id, most of them of the order system, on `TestApp`: nothing sleeps, nothing needs a broker.

mod batches;
mod guarantees;
mod ks_a5_middleware;
mod mf_a1_to_a3_orders;
mod mf_a4_users_and_analytics;
mod mf_a7_event_sourcing;
#[path = "../../modi-broker/tests/common/time.rs"]
mod time;

use modi::TestApp;
use serde_json::{Value, json};
use shop::ShopModule;

/// The shop with the stock of the documentation: 100, 50 and 25.
async fn shop() -> TestApp<ShopModule> {
    TestApp::start(ShopModule::default()).await.expect("the shop starts")
}

fn order(id: &str, product: &str, quantity: u32, amount: f64) -> Value {
    json!({ "id": id, "product_id": product, "quantity": quantity, "total_amount": amount })
}
