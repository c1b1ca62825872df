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
mod tests {
    use super::{Counts, count, count_lines};
    use std::io;
    use std::path::Path;

    const STOCK: &[(&str, u64)] = &[("product_1", 5), ("product_2", 5_000_000_000)];

    fn counts(lines: &[&str]) -> io::Result<Counts> {
        count_lines(lines.join("\n").as_bytes(), STOCK)
    }

    /// What `bodies` count for, all of them published to `topic`.
    fn of_topic(topic: &str, bodies: &[&str]) -> io::Result<Counts> {
        let line = |body: &&str| format!(r#"{{"topic":"{topic}","body":{body}}}"#);
        let lines: Vec<String> = bodies.iter().map(line).collect();
        count_lines(lines.join("\n").as_bytes(), STOCK)
    }

    #[test]
    fn unreadable_lines_are_not_published() -> io::Result<()> {
        let found = counts(&[
            r#"{"topic":"orders.created","bo"#,
            r#"["topic","body"]"#,
            r"42",
            r#"{"key":"a","body":{}}"#,
            r#"{"topic":1,"body":{}}"#,
            r#"{"topic":"elsewhere"}"#,
            r#"{"topic":"elsewhere","raw":1}"#,
            "",
            r#"{"topic":"elsewhere","body":null}"#,
            r#"{"topic":"elsewhere","key":"a","raw":"{"}"#,
        ])?;
        let expected = Counts { lines: 10, unreadable: 8, published: 2, published_elsewhere: 2, ..Counts::default() };
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_unreadable() -> io::Result<()> {
        let found = count_lines(&b"{\"topic\":\"\xff\",\"body\":{}}\n"[..], STOCK)?;
        assert_eq!((found.lines, found.unreadable), (1, 1));
        Ok(())
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let missing = count(Path::new("no/such/file.jsonl"), STOCK);
        assert!(missing.is_err_and(|error| error.kind() == io::ErrorKind::NotFound));
    }

    #[test]
    fn orders_take_stock_and_are_paid() -> io::Result<()> {
        let found = of_topic(
            "orders.created",
            &[
                r#"{"id":"1","product_id":"product_1","quantity":3,"total_amount":9.99}"#,
                r#"{"id":"2","product_id":"product_1","quantity":3,"total_amount":9.99}"#,
                r#"{"id":"3","product_id":"product_1","quantity":1,"total_amount":0}"#,
                r#"{"id":"4","product_id":"product_1","quantity":1,"total_amount":-9.99,"coupon":1}"#,
                r#"{"id":"5","product_id":"product_1","quantity":1,"total_amount":9.99}"#,
                r#"{"id":"6","product_id":"unknown","quantity":1,"total_amount":9.99}"#,
                r#"{"id":"7","product_id":"unknown","quantity":0,"total_amount":1}"#,
                r#"{"id":"8","product_id":"product_2","quantity":4294967295,"total_amount":1}"#,
            ],
        )?;
        let expected = Counts {
            lines: 8,
            published: 8,
            published_orders: 8,
            orders_decoded: 8,
            orders_completed: 3,
            orders_payment_failed: 2,
            orders_inventory_unavailable: 3,
            ..Counts::default()
        };
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn orders_that_do_not_decode_are_dead_letters() -> io::Result<()> {
        let bodies = [
            r#"{"product_id":"product_1","quantity":1,"total_amount":1}"#,
            r#"{"id":1,"product_id":"product_1","quantity":1,"total_amount":1}"#,
            r#"{"id":"1","quantity":1,"total_amount":1}"#,
            r#"{"id":"1","product_id":"product_1","total_amount":1}"#,
            r#"{"id":"1","product_id":"product_1","quantity":1}"#,
            r#"{"id":"1","product_id":"product_1","quantity":"1","total_amount":1}"#,
            r#"{"id":"1","product_id":"product_1","quantity":-1,"total_amount":1}"#,
            r#"{"id":"1","product_id":"product_1","quantity":2.5,"total_amount":1}"#,
            r#"{"id":"1","product_id":"product_2","quantity":4294967296,"total_amount":1}"#,
            r#"{"id":"1","product_id":"product_1","quantity":1,"total_amount":"1"}"#,
            r#"{"id":"1","product_id":"product_1","quantity":1,"total_amount":null}"#,
            r#"["1","product_1",1,1]"#,
        ];
        let found = of_topic("orders.created", &bodies)?;
        let expected = Counts {
            lines: 12,
            published: 12,
            published_orders: 12,
            dead_letters: 12,
            dead_orders: 12,
            ..Counts::default()
        };
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn a_raw_body_counts_as_its_bytes_say() -> io::Result<()> {
        let found = counts(&[
            r#"{"topic":"orders.created","raw":"{\"id\":\"order_1\",\"prod"}"#,
            r#"{"topic":"user.events","raw":"{\"user_id\""}"#,
            r#"{"topic":"user.created","raw":""}"#,
            r#"{"topic":"analytics.track","raw":"{\"event\":\"e\",\"timestamp\":\"t\"}"}"#,
        ])?;
        let expected = Counts {
            lines: 4,
            published: 4,
            published_orders: 1,
            published_user_events: 1,
            published_user_created: 1,
            published_analytics: 1,
            analytics: 1,
            dead_letters: 3,
            dead_orders: 1,
            dead_user_events: 1,
            dead_user_events_undecodable: 1,
            dead_user_created: 1,
            ..Counts::default()
        };
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn user_events_create_and_update() -> io::Result<()> {
        let found = of_topic(
            "user.events",
            &[
                r#"{"user_id":"1","action":"update","updates":{"email":"a@b"}}"#,
                r#"{"user_id":"1","name":"Ada","email":"a@b","action":"create"}"#,
                r#"{"userId":"2","userName":"Alan","email":"a@b","action":"create"}"#,
                r#"{"userId":"9","user_id":"3","name":"Ken","email":"a@b","action":"create"}"#,
                r#"{"user_id":"1","action":"update","updates":{"email":"a@b","name":"A"}}"#,
                r#"{"userId":"2","action":"update","updates":{"city":"Lima"}}"#,
                r#"{"user_id":"3","action":"update","updates":{"email":7}}"#,
                r#"{"user_id":"3","action":"update"}"#,
                r#"{"user_id":"9","action":"update","updates":{}}"#,
            ],
        )?;
        let expected = Counts {
            lines: 9,
            published: 9,
            published_user_events: 9,
            users_created: 3,
            users_updated: 4,
            users_not_found: 2,
            events_stored: 4,
            mails_welcome: 3,
            mails_update: 4,
            ..Counts::default()
        };
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn user_events_are_dead_letters_for_three_reasons() -> io::Result<()> {
        let found = of_topic(
            "user.events",
            &[
                r#"["1","create"]"#,
                "null",
                r#"{"name":"Ada","email":"a@b","action":"create"}"#,
                r#"{"user_id":1,"name":"Ada","email":"a@b","action":"create"}"#,
                r#"{"user_id":null,"userId":"1","name":"Ada","email":"a@b","action":"create"}"#,
                r#"{"user_id":"1","name":"Ada","email":"a@b"}"#,
                r#"{"user_id":"1","email":"a@b","action":"create"}"#,
                r#"{"user_id":"1","name":"Ada","action":"create"}"#,
                r#"{"user_id":"1","action":"update","updates":[]}"#,
                r#"{"user_id":"1","action":"delete"}"#,
            ],
        )?;
        let expected = Counts {
            lines: 10,
            published: 10,
            published_user_events: 10,
            dead_letters: 10,
            dead_user_events: 10,
            dead_user_events_undecodable: 2,
            dead_user_events_invalid: 7,
            dead_user_events_unknown_action: 1,
            ..Counts::default()
        };
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn user_created_and_user_updated_share_the_users() -> io::Result<()> {
        let found = counts(&[
            r#"{"topic":"user.created","body":{"user":{"id":"1","name":"A","email":"a@b"}}}"#,
            r#"{"topic":"user.created","body":{}}"#,
            r#"{"topic":"user.created","body":{"user":"1"}}"#,
            r#"{"topic":"user.created","body":{"user":{"name":"A","email":"a@b"}}}"#,
            r#"{"topic":"user.created","body":{"user":{"id":"2","email":"a@b"}}}"#,
            r#"{"topic":"user.created","body":{"user":{"id":"2","name":"A"}}}"#,
            r#"{"topic":"user.updated","body":{"user_id":"1","updates":{"email":"a@b"}}}"#,
            r#"{"topic":"user.updated","body":{"user_id":"2","updates":{"email":"a@b"}}}"#,
            r#"{"topic":"user.updated","body":{"user_id":"1"}}"#,
            r#"{"topic":"user.updated","body":{"user_id":"1","updates":"email"}}"#,
            r#"{"topic":"user.updated","body":{"updates":{}}}"#,
            r#"{"topic":"user.updated","body":[]}"#,
        ])?;
        let expected = Counts {
            lines: 12,
            published: 12,
            published_user_created: 6,
            published_user_updated: 6,
            users_created: 1,
            users_updated: 1,
            users_not_found: 1,
            events_stored: 2,
            mails_welcome: 1,
            mails_update: 1,
            dead_letters: 9,
            dead_user_created: 5,
            dead_user_updated: 4,
            ..Counts::default()
        };
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn analytics_need_an_event_and_a_time() -> io::Result<()> {
        let found = of_topic(
            "analytics.track",
            &[
                r#"{"event":"page_view","timestamp":"now","user_id":"1","properties":{}}"#,
                r#"{"event":"page_view","timestamp":"now"}"#,
                r#"{"timestamp":"now"}"#,
                r#"{"event":"page_view","timestamp":1}"#,
                r#""page_view""#,
            ],
        )?;
        let expected = Counts {
            lines: 5,
            published: 5,
            published_analytics: 5,
            analytics: 2,
            dead_letters: 3,
            dead_analytics: 3,
            ..Counts::default()
        };
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn notifications_go_to_their_channel() -> io::Result<()> {
        let found = of_topic(
            "notifications",
            &[
                r#"{"user_id":"1","content":"Hello"}"#,
                r#"{"user_id":"1","content":"Hello","channel":"email"}"#,
                r#"{"user_id":"1","content":"Hello","channel":"sms"}"#,
                r#"{"user_id":"1","content":"Hello","channel":"push"}"#,
                r#"{"user_id":"1","content":"Hello","channel":"fax"}"#,
                r#"{"user_id":"1","content":"Hello","channel":null}"#,
                r#"{"user_id":"1","channel":"sms"}"#,
                r#"{"content":"Hello"}"#,
                "17",
            ],
        )?;
        let expected = Counts {
            lines: 9,
            published: 9,
            published_notifications: 9,
            notifications: 4,
            notifications_email: 2,
            notifications_sms: 1,
            notifications_push: 1,
            dead_letters: 5,
            dead_notifications: 5,
            ..Counts::default()
        };
        assert_eq!(found, expected);
        Ok(())
    }
}
