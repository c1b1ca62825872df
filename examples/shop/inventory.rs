//! What is in stock.

use crate::storage::{Database, Settings, StorageModule};
use modi::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The stock.
#[module(
    imports = [StorageModule::{Database, Settings}],
    providers = [Inventory],
    exports = [Inventory],
)]
#[derive(Debug)]
pub struct InventoryModule;

/// Counts what is left of each product.
#[derive(Debug)]
pub struct Inventory {
    database: Arc<Database>,
    left: Mutex<BTreeMap<String, u32>>,
}

#[injectable]
impl Inventory {
    /// Begins with the stock of the settings.
    pub fn new(settings: Arc<Settings>, database: Arc<Database>) -> Self {
        Self { database, left: Mutex::new(settings.stock.clone()) }
    }
}

impl Inventory {
    /// Whether so much is left. Of an unknown product nothing is.
    pub fn is_available(&self, product: &str, quantity: u32) -> bool {
        self.left(product) >= quantity
    }

    /// Takes so much, all or nothing: looking and taking are one step.
    pub fn reserve(&self, product: &str, quantity: u32) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = left.get_mut(product) else { return quantity == 0 };
        let Some(remaining) = left.checked_sub(quantity) else { return false };
        *left = remaining;
        let reserved = json!({ "product_id": product, "quantity": quantity, "remaining": remaining });
        self.database.save("inventory_reserved", reserved);
        true
    }

    /// How much is left.
    pub fn left(&self, product: &str) -> u32 {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).get(product).copied().unwrap_or(0)
    }
}
