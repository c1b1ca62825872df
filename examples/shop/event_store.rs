//! An event store, and an aggregate whose state is the sum of its events.

use crate::storage::{Database, StorageModule};
use modi::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};

/// Events by stream.
#[module(
    imports = [StorageModule::{Database}],
    providers = [EventStore, UserAggregate],
    exports = [EventStore, UserAggregate],
)]
#[derive(Debug)]
pub struct EventStoreModule;

/// What happened to a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum UserEvent {
    /// A user signed up.
    UserCreated {
        /// The user.
        user_id: String,
        /// The name.
        name: String,
        /// The address.
        email: String,
    },
    /// A user has another address.
    UserEmailUpdated {
        /// The user.
        user_id: String,
        /// The address from now on.
        new_email: String,
    },
}

/// An event in its stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// The stream.
    pub stream: String,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// The event.
    pub event: UserEvent,
}

/// Keeps events in order, and counts them by stream.
#[injectable]
#[derive(Debug)]
pub struct EventStore {
    database: Arc<Database>,
    #[default]
    events: Mutex<Vec<StoredEvent>>,
}

impl EventStore {
    /// Appends an event to a stream, as its next version.
    pub fn append(&self, stream: &str, event: UserEvent) -> StoredEvent {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let version = events.iter().rev().find(|stored| stored.stream == stream).map_or(0, |last| last.version) + 1;
        let stored = StoredEvent { stream: stream.to_owned(), version, event };
        events.push(stored.clone());
        self.database.save("event_stored", json!({ "stream_id": stream, "version": version, "event": stored.event }));
        stored
    }

    /// The events of a stream, in order.
    pub fn stream(&self, stream: &str) -> Vec<StoredEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().filter(|stored| stored.stream == stream).cloned().collect()
    }

    /// How many events there are.
    pub fn len(&self) -> u64 {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A user as its events tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserState {
    /// The name, once created.
    pub name: Option<String>,
    /// The latest address.
    pub email: Option<String>,
}

/// The commands on a user, and the state that follows from them.
#[injectable]
#[derive(Debug)]
pub struct UserAggregate {
    store: Arc<EventStore>,
}

impl UserAggregate {
    /// A user signs up.
    pub fn create(&self, user_id: &str, name: &str, email: &str) -> StoredEvent {
        let (user_id, name, email) = (user_id.to_owned(), name.to_owned(), email.to_owned());
        self.store.append(&stream(&user_id), UserEvent::UserCreated { user_id, name, email })
    }

    /// A user has another address.
    pub fn update_email(&self, user_id: &str, new_email: &str) -> StoredEvent {
        let (user_id, new_email) = (user_id.to_owned(), new_email.to_owned());
        self.store.append(&stream(&user_id), UserEvent::UserEmailUpdated { user_id, new_email })
    }

    /// What the events of a user add up to. An unknown user is empty.
    pub fn state(&self, user_id: &str) -> UserState {
        let events = self.store.stream(&stream(user_id));
        events.into_iter().fold(UserState::default(), |state, stored| match stored.event {
            UserEvent::UserCreated { name, email, .. } => UserState { name: Some(name), email: Some(email) },
            UserEvent::UserEmailUpdated { new_email, .. } => UserState { email: Some(new_email), ..state },
        })
    }
}

fn stream(user_id: &str) -> String {
    format!("user-{user_id}")
}
