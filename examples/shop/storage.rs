//! What everything else stands on: the settings, and a database that remembers what was saved.

use modi::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The settings and the database.
#[module(providers = [Database], exports = [Settings, Database])]
#[derive(Debug)]
pub struct StorageModule {
    /// Given by the importer.
    #[provide]
    pub settings: Settings,
}

/// What differs between a test and a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the database is.
    pub database_url: String,
    /// How much of each product there is at the start.
    pub stock: BTreeMap<String, u32>,
}

impl Default for Settings {
    fn default() -> Self {
        let stock = [("product_1", 100), ("product_2", 50), ("product_3", 25)];
        Self {
            database_url: "postgresql://localhost/shop".to_owned(),
            stock: stock.map(|(product, quantity)| (product.to_owned(), quantity)).into(),
        }
    }
}

/// A database in memory: it keeps what is saved, in order.
#[derive(Debug)]
pub struct Database {
    url: String,
    saved: Mutex<Vec<Saved>>,
}

/// Something that was saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// What it is.
    pub kind: &'static str,
    /// The rest.
    pub data: Value,
}

#[injectable]
impl Database {
    /// Connects to where the settings say.
    pub async fn connect(settings: Arc<Settings>) -> Self {
        Self { url: settings.database_url.clone(), saved: Mutex::default() }
    }
}

impl Database {
    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Saves an event.
    pub fn save(&self, kind: &'static str, data: Value) {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).push(Saved { kind, data });
    }

    /// What was saved so far.
    pub fn saved(&self) -> Vec<Saved> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many events of this kind were saved.
    pub fn count(&self, kind: &str) -> u64 {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        saved.iter().filter(|saved| saved.kind == kind).count() as u64
    }
}
