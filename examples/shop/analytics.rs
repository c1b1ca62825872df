//! What users do.

use crate::storage::{Database, StorageModule};
use modi::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Takes note of what users do.
#[module(imports = [StorageModule::{Database}], providers = [], subscribers = [Analytics])]
#[derive(Debug)]
pub struct AnalyticsModule;

/// Something that a user did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tracked {
    /// What.
    pub event: String,
    /// When.
    pub timestamp: String,
    /// Who, where that is known.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The circumstances.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

/// A service whose methods handle messages: listing it under `subscribers` also provides it.
#[injectable]
#[derive(Debug)]
pub struct Analytics {
    database: Arc<Database>,
}

#[subscriber]
impl Analytics {
    /// Saves what a user did.
    #[subscribe("analytics.track", group = "analytics")]
    pub async fn track(&self, Json(tracked): Json<Tracked>) {
        let Tracked { event, timestamp, user_id, properties } = tracked;
        let data = json!({ "event_type": event, "timestamp": timestamp, "user_id": user_id, "properties": properties });
        self.database.save("analytics_tracked", data);
    }
}
