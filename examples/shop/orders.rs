//! Orders: created, paid, completed. Each step is a message to the next.

use crate::inventory::{Inventory, InventoryModule};
use crate::payments::{PaymentModule, Payments};
use crate::storage::{Database, StorageModule};
use modi::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Orders from creation to completion.
#[module(
    imports = [
        StorageModule::{Database},
        InventoryModule::{Inventory},
        PaymentModule::{Payments},
    ],
    providers = [OrderService, Orders],
    exports = [OrderService, Orders],
    subscribers = [order_created, payment_requested, order_completed],
)]
#[derive(Debug)]
pub struct OrderModule;

/// A customer ordered something. Keyed by product, so that one product's orders are handled in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCreated {
    /// The order.
    pub id: String,
    /// What is ordered.
    pub product_id: String,
    /// How much of it.
    pub quantity: u32,
    /// What it costs.
    pub total_amount: f64,
}

/// The goods are reserved: the money is due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentRequested {
    /// The order.
    pub order_id: String,
    /// How much.
    pub amount: f64,
}

/// The money is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCompleted {
    /// The order.
    pub order_id: String,
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is known.
    Created,
    /// There is not enough of the product.
    InventoryUnavailable,
    /// The goods are set aside.
    InventoryReserved,
    /// The money is there.
    Paid,
    /// The money did not come.
    PaymentFailed,
    /// All is done.
    Completed,
}

/// Knows every order.
#[injectable]
#[derive(Debug)]
pub struct OrderService {
    database: Arc<Database>,
    #[default]
    orders: Mutex<HashMap<String, Status>>,
}

impl OrderService {
    /// Takes an order down.
    pub fn create(&self, order: &OrderCreated) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).insert(order.id.clone(), Status::Created);
        self.database.save("order_created", json!(order));
    }

    /// Moves an order on. An unknown order is left alone.
    pub fn update(&self, order_id: &str, status: Status) -> Option<Status> {
        *self.orders.lock().unwrap_or_else(PoisonError::into_inner).get_mut(order_id)? = status;
        self.database.save("order_status_updated", json!({ "order_id": order_id, "status": status }));
        Some(status)
    }

    /// How far an order has come.
    pub fn status(&self, order_id: &str) -> Option<Status> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).get(order_id).copied()
    }

    /// How many orders there are.
    pub fn len(&self) -> u64 {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many orders stand here.
    pub fn count(&self, status: Status) -> u64 {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.values().filter(|known| **known == status).count() as u64
    }

    /// Every order and how far it has come, by id.
    pub fn all(&self) -> Vec<(String, Status)> {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = orders.iter().map(|(id, status)| (id.clone(), *status)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The goods are set aside.
    InventoryReserved,
    /// The money is there.
    PaymentSuccessful,
    /// It ends here.
    Failed {
        /// Why.
        reason: &'static str,
    },
}

/// The rules: what follows from a new order, and from a payment that is due.
#[injectable]
#[derive(Debug)]
pub struct Orders {
    orders: Arc<OrderService>,
    inventory: Arc<Inventory>,
    payments: Arc<Payments>,
}

impl Orders {
    /// Sets the goods aside, if there are enough.
    pub fn created(&self, order: &OrderCreated) -> Step {
        self.orders.create(order);
        if !self.inventory.is_available(&order.product_id, order.quantity) {
            self.orders.update(&order.id, Status::InventoryUnavailable);
            return Step::Failed { reason: "insufficient_inventory" };
        }
        if !self.inventory.reserve(&order.product_id, order.quantity) {
            return Step::Failed { reason: "reservation_failed" }; // somebody was faster
        }
        self.orders.update(&order.id, Status::InventoryReserved);
        Step::InventoryReserved
    }

    /// Takes the money.
    pub fn payment_requested(&self, payment: &PaymentRequested) -> Step {
        match self.payments.process(&payment.order_id, payment.amount) {
            Some(_transaction) => {
                self.orders.update(&payment.order_id, Status::Paid);
                Step::PaymentSuccessful
            }
            None => {
                self.orders.update(&payment.order_id, Status::PaymentFailed);
                Step::Failed { reason: "payment_failed" }
            }
        }
    }
}

/// Asks for the payment once the goods are set aside.
#[subscriber("orders.created", group = "orders", publish = "payments.requested")]
pub async fn order_created(Json(order): Json<OrderCreated>, orders: Arc<Orders>) -> Option<Json<PaymentRequested>> {
    match orders.created(&order) {
        Step::InventoryReserved => Some(Json(PaymentRequested { order_id: order.id, amount: order.total_amount })),
        _ => None,
    }
}

/// Completes the order once the money is there.
#[subscriber("payments.requested", group = "orders", publish = "orders.completed")]
pub async fn payment_requested(
    Json(payment): Json<PaymentRequested>,
    orders: Arc<Orders>,
) -> Option<Json<OrderCompleted>> {
    match orders.payment_requested(&payment) {
        Step::PaymentSuccessful => Some(Json(OrderCompleted { order_id: payment.order_id })),
        _ => None,
    }
}

/// Marks the order.
#[subscriber("orders.completed", group = "orders")]
pub async fn order_completed(Json(completed): Json<OrderCompleted>, orders: Arc<OrderService>) {
    orders.update(&completed.order_id, Status::Completed);
}
