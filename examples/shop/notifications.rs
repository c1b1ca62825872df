//! Notifications on a channel, and the mails that users get.

use modi::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Sends things to users.
#[module(
    providers = [Notifications, Mailer],
    exports = [Notifications, Mailer],
    subscribers = [notification],
)]
#[derive(Debug)]
pub struct NotificationModule;

/// How a notification reaches its user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A mail.
    #[default]
    Email,
    /// A short message.
    Sms,
    /// A push message.
    Push,
}

/// Asks for a notification.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notification {
    /// For whom.
    pub user_id: String,
    /// What it says.
    pub content: String,
    /// How it is sent: by mail unless it says otherwise.
    #[serde(default)]
    pub channel: Channel,
}

/// Sends notifications, and remembers them.
#[injectable]
#[derive(Debug)]
pub struct Notifications {
    #[default]
    sent: Mutex<Vec<Notification>>,
}

impl Notifications {
    /// Sends a notification.
    pub fn send(&self, notification: Notification) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(notification);
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Notification> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Writes the mails that users get.
#[injectable]
#[derive(Debug)]
pub struct Mailer {
    notifications: Arc<Notifications>,
    #[default]
    welcomes: AtomicU64,
    #[default]
    updates: AtomicU64,
}

impl Mailer {
    /// Greets a new user.
    pub fn welcome(&self, user_id: &str, name: &str) {
        self.welcomes.fetch_add(1, Ordering::Relaxed);
        self.mail(user_id, format!("Welcome {name}!"));
    }

    /// Tells a user what has changed.
    pub fn updated<'a>(&self, user_id: &str, changed: impl Iterator<Item = &'a String>) {
        self.updates.fetch_add(1, Ordering::Relaxed);
        let changed: Vec<&str> = changed.map(String::as_str).collect();
        self.mail(user_id, format!("Your profile was updated: {}", changed.join(", ")));
    }

    /// How many welcome mails were sent.
    pub fn welcomes(&self) -> u64 {
        self.welcomes.load(Ordering::Relaxed)
    }

    /// How many mails about changes were sent.
    pub fn updates(&self) -> u64 {
        self.updates.load(Ordering::Relaxed)
    }

    fn mail(&self, user_id: &str, content: String) {
        self.notifications.send(Notification { user_id: user_id.to_owned(), content, channel: Channel::Email });
    }
}

/// Sends what other services ask for.
#[subscriber("notifications", group = "notifications")]
pub async fn notification(Json(notification): Json<Notification>, notifications: Arc<Notifications>) {
    notifications.send(notification);
}
