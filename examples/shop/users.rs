//! Users: created, updated, and the pipeline that still takes their messages in the old format.

use crate::event_store::{EventStoreModule, UserAggregate};
use crate::notifications::{Mailer, NotificationModule};
use crate::storage::{Database, StorageModule};
use modi::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Users, and what happens when they change.
#[module(
    imports = [
        StorageModule::{Database},
        EventStoreModule::{UserAggregate},
        NotificationModule::{Mailer},
    ],
    providers = [UserService, Users, MessageProcessor],
    exports = [UserService],
    subscribers = [user_created, user_updated, user_event],
)]
#[derive(Debug)]
pub struct UserModule;

/// A user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// Whatever else is known.
    #[serde(flatten)]
    pub profile: Map<String, Value>,
}

/// Somebody signed up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserCreated {
    /// Who.
    pub user: User,
}

/// A user changed something.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserUpdated {
    /// Who.
    pub user_id: String,
    /// The fields that changed.
    pub updates: Map<String, Value>,
}

/// Knows every user.
#[injectable]
#[derive(Debug)]
pub struct UserService {
    database: Arc<Database>,
    #[default]
    users: Mutex<HashMap<String, User>>,
    #[default]
    updated: AtomicU64,
    #[default]
    not_found: AtomicU64,
}

impl UserService {
    /// Takes a user in.
    pub fn create(&self, user: &User) {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).insert(user.id.clone(), user.clone());
        self.database.save("user_created", json!(user));
    }

    /// Changes a user, if there is one.
    pub fn update(&self, user_id: &str, updates: &Map<String, Value>) -> Option<User> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(user) = users.get_mut(user_id) else {
            self.not_found.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        for (field, value) in updates {
            match (field.as_str(), value.as_str()) {
                ("name", Some(name)) => name.clone_into(&mut user.name),
                ("email", Some(email)) => email.clone_into(&mut user.email),
                _ => {
                    user.profile.insert(field.clone(), value.clone());
                }
            }
        }
        self.updated.fetch_add(1, Ordering::Relaxed);
        self.database.save("user_updated", json!({ "id": user_id, "updates": updates }));
        Some(user.clone())
    }

    /// A user.
    pub fn get(&self, user_id: &str) -> Option<User> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).get(user_id).cloned()
    }

    /// How many users there are.
    pub fn len(&self) -> u64 {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many changes were made.
    pub fn updated(&self) -> u64 {
        self.updated.load(Ordering::Relaxed)
    }

    /// How many changes were for nobody.
    pub fn not_found(&self) -> u64 {
        self.not_found.load(Ordering::Relaxed)
    }
}

/// What a change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is done, and the user was told.
    Processed,
    /// There is no such user.
    UserNotFound,
}

/// What follows when a user signs up or changes.
#[injectable]
#[derive(Debug)]
pub struct Users {
    users: Arc<UserService>,
    aggregate: Arc<UserAggregate>,
    mailer: Arc<Mailer>,
}

impl Users {
    /// Takes a user in and greets them.
    pub fn created(&self, user: &User) -> Change {
        self.users.create(user);
        self.aggregate.create(&user.id, &user.name, &user.email);
        self.mailer.welcome(&user.id, &user.name);
        Change::Processed
    }

    /// Changes a user and tells them what.
    pub fn updated(&self, user_id: &str, updates: &Map<String, Value>) -> Change {
        if self.users.update(user_id, updates).is_none() {
            return Change::UserNotFound;
        }
        if let Some(email) = updates.get("email").and_then(Value::as_str) {
            self.aggregate.update_email(user_id, email);
        }
        self.mailer.updated(user_id, updates.keys());
        Change::Processed
    }
}

/// Why a message about a user cannot be processed. Trying again would not help.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Something that it needs is missing.
    #[error("Invalid message format")]
    Invalid,
    /// Nobody knows how to do that.
    #[error("Unknown action: {0}")]
    UnknownAction(String),
}

/// Transforms, checks and dispatches: `user.events` carries every action, in the old format and in the new one.
#[injectable]
#[derive(Debug)]
pub struct MessageProcessor {
    users: Arc<Users>,
}

impl MessageProcessor {
    /// Does what the message asks for.
    ///
    /// # Errors
    ///
    /// [`MessageError`].
    pub fn process(&self, message: Map<String, Value>) -> Result<Change, MessageError> {
        let message = transformed(message);
        let text = |field: &str| message.get(field).and_then(Value::as_str).ok_or(MessageError::Invalid);
        let (user_id, action) = (text("user_id")?, text("action")?);
        match action {
            "create" => {
                let (name, email) = (text("name")?.to_owned(), text("email")?.to_owned());
                Ok(self.users.created(&User { id: user_id.to_owned(), name, email, profile: Map::new() }))
            }
            "update" => match message.get("updates") {
                None => Ok(self.users.updated(user_id, &Map::new())),
                Some(Value::Object(updates)) => Ok(self.users.updated(user_id, updates)),
                Some(_) => Err(MessageError::Invalid),
            },
            unknown => Err(MessageError::UnknownAction(unknown.to_owned())),
        }
    }
}

/// From the old names of fields to the new ones. Where both are there, the new one counts.
fn transformed(mut message: Map<String, Value>) -> Map<String, Value> {
    for (old, new) in [("userId", "user_id"), ("userName", "name")] {
        if let Some(value) = message.remove(old) {
            message.entry(new).or_insert(value);
        }
    }
    message
}

/// Somebody signed up.
#[subscriber("user.created", group = "users")]
pub async fn user_created(Json(created): Json<UserCreated>, users: Arc<Users>) {
    users.created(&created.user);
}

/// Somebody changed something.
#[subscriber("user.updated", group = "users")]
pub async fn user_updated(Json(updated): Json<UserUpdated>, users: Arc<Users>) {
    users.updated(&updated.user_id, &updated.updates);
}

/// Either, in either format.
///
/// # Errors
///
/// What cannot be processed is rejected.
#[subscriber("user.events", group = "users")]
pub async fn user_event(Json(message): Json<Map<String, Value>>, processor: Arc<MessageProcessor>) -> modi::Result {
    processor.process(message).map_err(modi::Error::reject)?;
    Ok(())
}
