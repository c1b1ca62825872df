//! An independent count of the input of the shop example.
//!
//! It works out from the file alone what the application must end with. It
//! reads [`Value`]s field by field, and so shares no decoding with the
//! application.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde_json::{Map, Value};

/// What the application must end with.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines of the file.
    pub lines: u64,
    /// Lines that are not a JSON object with a topic and a body.
    pub unreadable: u64,
    /// Messages published: all the other lines.
    pub published: u64,

    /// Messages published to `orders.created`.
    pub published_orders: u64,
    /// Messages published to `user.events`.
    pub published_user_events: u64,
    /// Messages published to `user.created`.
    pub published_user_created: u64,
    /// Messages published to `user.updated`.
    pub published_user_updated: u64,
    /// Messages published to `analytics.track`.
    pub published_analytics: u64,
    /// Messages published to `notifications`.
    pub published_notifications: u64,
    /// Messages published to any other topic.
    pub published_elsewhere: u64,

    /// Orders whose body decoded.
    pub orders_decoded: u64,
    /// Orders in stock and paid.
    pub orders_completed: u64,
    /// Orders in stock whose payment failed. Their stock stays taken.
    pub orders_payment_failed: u64,
    /// Orders for more than the stock.
    pub orders_inventory_unavailable: u64,

    /// Users created, from `user.events` and `user.created`.
    pub users_created: u64,
    /// Updates of a known user, from `user.events` and `user.updated`.
    pub users_updated: u64,
    /// Updates of an unknown user, from `user.events` and `user.updated`.
    pub users_not_found: u64,
    /// Events appended to the event store: one for each created user, one for
    /// each update of a known user with a new email address.
    pub events_stored: u64,
    /// Welcome mails: one for each created user.
    pub mails_welcome: u64,
    /// Update mails: one for each update of a known user.
    pub mails_update: u64,

    /// Analytics events tracked.
    pub analytics: u64,
    /// Notifications sent, over all the channels.
    pub notifications: u64,
    /// Notifications sent by email, the channel of those that name none.
    pub notifications_email: u64,
    /// Notifications sent by text message.
    pub notifications_sms: u64,
    /// Notifications sent by push message.
    pub notifications_push: u64,

    /// Dead letters of all the topics.
    pub dead_letters: u64,
    /// Dead letters of `orders.created`.
    pub dead_orders: u64,
    /// Dead letters of `user.events`, for any of the three reasons below.
    pub dead_user_events: u64,
    /// Dead letters of `user.events` that are not a JSON object.
    pub dead_user_events_undecodable: u64,
    /// Dead letters of `user.events` with a field missing or of a wrong type.
    pub dead_user_events_invalid: u64,
    /// Dead letters of `user.events` with an action that is neither `create`
    /// nor `update`.
    pub dead_user_events_unknown_action: u64,
    /// Dead letters of `user.created`.
    pub dead_user_created: u64,
    /// Dead letters of `user.updated`.
    pub dead_user_updated: u64,
    /// Dead letters of `analytics.track`.
    pub dead_analytics: u64,
    /// Dead letters of `notifications`.
    pub dead_notifications: u64,
}

/// Counts what the application must end with, given the events in `file` and
/// the `stock` of each product that it starts with.
///
/// # Errors
///
/// When the file cannot be read.
pub fn count(file: &Path, stock: &[(&str, u64)]) -> io::Result<Counts> {
    count_lines(BufReader::new(File::open(file)?), stock)
}

fn count_lines(input: impl BufRead, stock: &[(&str, u64)]) -> io::Result<Counts> {
    let mut walk = Walk::new(stock);
    for line in input.split(b'\n') {
        walk.line(&line?);
    }
    Ok(walk.counts)
}

/// One readable line of the file.
struct Event {
    topic: String,
    /// `None` where the published bytes are not JSON.
    body: Option<Value>,
}

impl Event {
    fn read(line: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(line).ok()?;
        let fields = value.as_object_mut()?;
        let topic = string(fields, "topic")?.to_owned();
        let body = match fields.remove("body") {
            Some(body) => Some(body),
            None => serde_json::from_str(string(fields, "raw")?).ok(),
        };
        Some(Self { topic, body })
    }
}

/// Why a `user.events` message is a dead letter.
enum Refusal {
    /// The body is not a JSON object.
    Undecodable,
    /// A field is missing, or of a wrong type.
    Invalid,
    /// The action is neither `create` nor `update`.
    UnknownAction,
}

/// Where the walk through the file has got to.
///
/// The methods that take a body return `None` where it is a dead letter.
struct Walk {
    counts: Counts,
    stock: HashMap<String, u64>,
    users: HashSet<String>,
}

impl Walk {
    fn new(stock: &[(&str, u64)]) -> Self {
        let owned = |&(product, pieces): &(&str, u64)| (product.to_owned(), pieces);
        Self { counts: Counts::default(), stock: stock.iter().map(owned).collect(), users: HashSet::new() }
    }

    fn line(&mut self, line: &[u8]) {
        self.counts.lines += 1;
        match Event::read(line) {
            Some(event) => self.publish(&event),
            None => self.counts.unreadable += 1,
        }
    }

    fn publish(&mut self, event: &Event) {
        let body = event.body.as_ref();
        let handled = match event.topic.as_str() {
            "orders.created" => self.order(body),
            "user.events" => self.user_event(body),
            "user.created" => self.user_created(body),
            "user.updated" => self.user_updated(body),
            "analytics.track" => self.analytics(body),
            "notifications" => self.notification(body),
            _ => Some(()),
        };
        self.counts.message(&event.topic, handled.is_none());
    }

    fn order(&mut self, body: Option<&Value>) -> Option<()> {
        let fields = body?.as_object()?;
        string(fields, "id")?;
        let product = string(fields, "product_id")?;
        let quantity = fields.get("quantity")?.as_u64()?;
        let amount = fields.get("total_amount")?.as_f64()?;
        if quantity > u64::from(u32::MAX) {
            return None;
        }
        self.counts.orders_decoded += 1;
        if !self.take(product, quantity) {
            self.counts.orders_inventory_unavailable += 1;
        } else if amount > 0.0 {
            self.counts.orders_completed += 1;
        } else {
            self.counts.orders_payment_failed += 1;
        }
        Some(())
    }

    /// Takes `quantity` pieces out of the stock, or none of them.
    fn take(&mut self, product: &str, quantity: u64) -> bool {
        let left = self.stock.get(product).copied().unwrap_or(0);
        let enough = left >= quantity;
        if enough {
            self.stock.insert(product.to_owned(), left - quantity);
        }
        enough
    }

    fn user_event(&mut self, body: Option<&Value>) -> Option<()> {
        let reason = match self.user_action(body) {
            Ok(()) => return Some(()),
            Err(Refusal::Undecodable) => &mut self.counts.dead_user_events_undecodable,
            Err(Refusal::Invalid) => &mut self.counts.dead_user_events_invalid,
            Err(Refusal::UnknownAction) => &mut self.counts.dead_user_events_unknown_action,
        };
        *reason += 1;
        None
    }

    fn user_action(&mut self, body: Option<&Value>) -> Result<(), Refusal> {
        let fields = body.and_then(Value::as_object).ok_or(Refusal::Undecodable)?;
        let fields = without_legacy_names(fields);
        let user = string(&fields, "user_id").ok_or(Refusal::Invalid)?;
        let done = match string(&fields, "action").ok_or(Refusal::Invalid)? {
            "create" => self.create(user, &fields),
            "update" => match fields.get("updates") {
                Some(updates) => self.update(user, updates),
                None => self.update(user, &Value::Object(Map::new())),
            },
            _ => return Err(Refusal::UnknownAction),
        };
        done.ok_or(Refusal::Invalid)
    }

    fn user_created(&mut self, body: Option<&Value>) -> Option<()> {
        let user = body?.get("user")?.as_object()?;
        self.create(string(user, "id")?, user)
    }

    fn user_updated(&mut self, body: Option<&Value>) -> Option<()> {
        let fields = body?.as_object()?;
        self.update(string(fields, "user_id")?, fields.get("updates")?)
    }

    fn create(&mut self, user: &str, fields: &Map<String, Value>) -> Option<()> {
        string(fields, "name")?;
        string(fields, "email")?;
        self.users.insert(user.to_owned());
        self.counts.users_created += 1;
        self.counts.events_stored += 1;
        self.counts.mails_welcome += 1;
        Some(())
    }

    fn update(&mut self, user: &str, updates: &Value) -> Option<()> {
        let updates = updates.as_object()?;
        if self.users.contains(user) {
            self.counts.users_updated += 1;
            self.counts.mails_update += 1;
            self.counts.events_stored += u64::from(string(updates, "email").is_some());
        } else {
            self.counts.users_not_found += 1;
        }
        Some(())
    }

    fn analytics(&mut self, body: Option<&Value>) -> Option<()> {
        let fields = body?.as_object()?;
        string(fields, "event")?;
        string(fields, "timestamp")?;
        self.counts.analytics += 1;
        Some(())
    }

    fn notification(&mut self, body: Option<&Value>) -> Option<()> {
        let fields = body?.as_object()?;
        string(fields, "user_id")?;
        string(fields, "content")?;
        let channel = fields.get("channel").map_or(Some("email"), Value::as_str)?;
        let sent = match channel {
            "email" => &mut self.counts.notifications_email,
            "sms" => &mut self.counts.notifications_sms,
            "push" => &mut self.counts.notifications_push,
            _ => return None,
        };
        *sent += 1;
        self.counts.notifications += 1;
        Some(())
    }
}

impl Counts {
    /// Counts one message of `topic`, dead letter or not.
    fn message(&mut self, topic: &str, dead: bool) {
        let (published, dead_letters) = match topic {
            "orders.created" => (&mut self.published_orders, &mut self.dead_orders),
            "user.events" => (&mut self.published_user_events, &mut self.dead_user_events),
            "user.created" => (&mut self.published_user_created, &mut self.dead_user_created),
            "user.updated" => (&mut self.published_user_updated, &mut self.dead_user_updated),
            "analytics.track" => (&mut self.published_analytics, &mut self.dead_analytics),
            "notifications" => (&mut self.published_notifications, &mut self.dead_notifications),
            _ => (&mut self.published_elsewhere, &mut 0),
        };
        *published += 1;
        *dead_letters += u64::from(dead);
        self.published += 1;
        self.dead_letters += u64::from(dead);
    }
}

/// The field `name`, where it is a string.
fn string<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

/// The fields of a `user.events` body under the names of the new format. A
/// field that is there under its new name wins over the legacy one.
fn without_legacy_names(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut renamed = fields.clone();
    for (legacy, new) in [("userId", "user_id"), ("userName", "name")] {
        if let Some(value) = renamed.remove(legacy) {
            renamed.entry(new).or_insert(value);
        }
    }
    renamed
}

#[cfg(test)]
mod tests;
