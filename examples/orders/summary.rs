//! What it all came to: read from the services and from the broker's report.

use crate::arrivals::Arrivals;
use modi::{Report, RunningApp};
use serde::Serialize;
use shop::ShopModule;
use shop::event_store::EventStore;
use shop::notifications::{Channel, Mailer, Notifications};
use shop::orders::{OrderService, Status};
use shop::storage::Database;
use shop::users::UserService;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The services that know how it went. They outlive the application.
pub(crate) struct Books {
    database: Arc<Database>,
    orders: Arc<OrderService>,
    users: Arc<UserService>,
    mailer: Arc<Mailer>,
    notifications: Arc<Notifications>,
    events: Arc<EventStore>,
}

impl Books {
    pub(crate) fn of(app: &RunningApp<ShopModule>) -> Self {
        Self {
            database: Arc::clone(app.get()),
            orders: Arc::clone(app.get()),
            users: Arc::clone(app.get()),
            mailer: Arc::clone(app.get()),
            notifications: Arc::clone(app.get()),
            events: Arc::clone(app.get()),
        }
    }
}

/// The counts.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    lines: u64,
    unreadable: u64,
    unheard: u64,
    published: u64,
    orders: u64,
    orders_completed: u64,
    orders_payment_failed: u64,
    orders_inventory_unavailable: u64,
    users_created: u64,
    users_updated: u64,
    users_not_found: u64,
    events_stored: u64,
    mails_welcome: u64,
    mails_update: u64,
    analytics: u64,
    notifications_email: u64,
    notifications_sms: u64,
    notifications_push: u64,
    dead_letters: u64,
    /// By subscriber.
    dead_letters_of: BTreeMap<String, u64>,
    seconds: f64,
}

impl Summary {
    pub(crate) fn new(arrivals: &Arrivals, books: &Books, report: &Report, took: Duration) -> Self {
        let (orders, users, mailer) = (&books.orders, &books.users, &books.mailer);
        let mut channels = [0; 3];
        for notification in books.notifications.sent() {
            channels[match notification.channel {
                Channel::Email => 0,
                Channel::Sms => 1,
                Channel::Push => 2,
            }] += 1;
        }
        let dead = report.subscribers.iter().filter(|subscriber| subscriber.dead_lettered > 0);
        Self {
            lines: arrivals.lines_read,
            unreadable: arrivals.unreadable,
            unheard: arrivals.unheard,
            published: arrivals.published,
            orders: orders.len(),
            orders_completed: orders.count(Status::Completed),
            orders_payment_failed: orders.count(Status::PaymentFailed),
            orders_inventory_unavailable: orders.count(Status::InventoryUnavailable),
            users_created: users.len(),
            users_updated: users.updated(),
            users_not_found: users.not_found(),
            events_stored: books.events.len(),
            mails_welcome: mailer.welcomes(),
            mails_update: mailer.updates(),
            analytics: books.database.count("analytics_tracked"),
            // Mails about users go by the same channel; they are counted above.
            notifications_email: channels[0] - mailer.welcomes() - mailer.updates(),
            notifications_sms: channels[1],
            notifications_push: channels[2],
            dead_letters: report.total().dead_lettered,
            dead_letters_of: dead.map(|subscriber| (subscriber.name.clone(), subscriber.dead_lettered)).collect(),
            seconds: took.as_secs_f64(),
        }
    }

    /// One line for programs.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A table for people.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, count: u64| writeln!(f, "  {name:<36}{count:>8}");
        row("lines", self.lines)?;
        row("  not an event", self.unreadable)?;
        row("  nobody listens to", self.unheard)?;
        row("events to handle", self.published)?;
        row("orders", self.orders)?;
        row("  completed", self.orders_completed)?;
        row("  payment failed", self.orders_payment_failed)?;
        row("  inventory unavailable", self.orders_inventory_unavailable)?;
        row("users created", self.users_created)?;
        row("users updated", self.users_updated)?;
        row("updates for nobody", self.users_not_found)?;
        row("events stored", self.events_stored)?;
        row("welcome mails", self.mails_welcome)?;
        row("mails about changes", self.mails_update)?;
        row("analytics", self.analytics)?;
        row("notifications by mail", self.notifications_email)?;
        row("notifications by short message", self.notifications_sms)?;
        row("notifications by push", self.notifications_push)?;
        row("dead letters", self.dead_letters)?;
        for (subscriber, count) in &self.dead_letters_of {
            row(&format!("  {subscriber}"), *count)?;
        }
        write!(f, "  took {:.2} s", self.seconds)
    }
}
