//! Payments.

use crate::storage::{Database, StorageModule};
use modi::prelude::*;
use serde_json::json;
use std::sync::Arc;

/// Payments.
#[module(
    imports = [StorageModule::{Database}],
    providers = [Payments],
    exports = [Payments],
)]
#[derive(Debug)]
pub struct PaymentModule;

/// Takes money.
#[injectable]
#[derive(Debug)]
pub struct Payments {
    database: Arc<Database>,
}

impl Payments {
    /// Takes the amount for an order, and gives the id of the transaction. An amount that is not positive fails.
    pub fn process(&self, order_id: &str, amount: f64) -> Option<String> {
        let transaction = (amount > 0.0).then(|| format!("txn_{order_id}"));
        let processed = json!({
            "order_id": order_id, "amount": amount, "success": transaction.is_some(), "transaction_id": transaction,
        });
        self.database.save("payment_processed", processed);
        transaction
    }
}
