//! MF-A4: users and analytics, and a handler that fails.

use super::shop;
use modi::prelude::*;
use modi::{FailureKind, Report};
use serde_json::{Value, json};
use shop::notifications::Notifications;
use shop::storage::Database;
use shop::users::UserService;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn ada() -> Value {
    json!({ "user": { "id": "u1", "name": "Ada", "email": "ada@example.org" } })
}

#[tokio::test]
async fn mf_a4_a_new_user_gets_one_welcome_mail() {
    let app = shop().await;
    app.publish("user.created", &ada()).await.unwrap();
    let sent = app.get::<Notifications>().sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].user_id.as_str(), sent[0].content.as_str()), ("u1", "Welcome Ada!"));
}

#[tokio::test]
async fn mf_a4_a_known_user_who_changes_is_told_what_changed() {
    let app = shop().await;
    app.publish("user.created", &ada()).await.unwrap();
    app.publish("user.updated", &json!({ "user_id": "u1", "updates": { "email": "a@b", "city": "London" } }))
        .await
        .unwrap();
    let sent = app.get::<Notifications>().sent();
    assert_eq!(sent[1].content, "Your profile was updated: city, email");
    let user = app.get::<UserService>().get("u1").expect("she is there");
    assert_eq!((user.email.as_str(), &user.profile["city"]), ("a@b", &json!("London")));
}

#[tokio::test]
async fn mf_a4_an_unknown_user_gets_no_mail() {
    let app = shop().await;
    app.publish("user.updated", &json!({ "user_id": "ghost", "updates": { "email": "a@b" } })).await.unwrap();
    assert_eq!(app.get::<UserService>().not_found(), 1);
    assert!(app.get::<Notifications>().sent().is_empty());
    assert!(app.dead_letters("user.updated").is_empty(), "it is no error");
}

#[tokio::test]
async fn mf_a4_analytics_are_saved_with_their_four_fields() {
    let app = shop().await;
    let event =
        json!({ "event": "view", "timestamp": "2026-11-20T10:00:00Z", "user_id": "u1", "properties": { "page": 3 } });
    app.publish("analytics.track", &event).await.unwrap();
    let saved = app.get::<Database>().saved();
    let want = json!({ "event_type": "view", "timestamp": "2026-11-20T10:00:00Z", "user_id": "u1", "properties": { "page": 3 } });
    assert_eq!((saved[0].kind, &saved[0].data), ("analytics_tracked", &want));
}

#[injectable]
struct Attempts {
    #[default]
    count: AtomicU32,
}

/// Fails for everything but the word `good`.
#[subscriber("words", group = "words")]
async fn word(Json(word): Json<String>, attempts: Arc<Attempts>) -> modi::Result {
    attempts.count.fetch_add(1, Ordering::Relaxed);
    if word == "good" { Ok(()) } else { Err(modi::Error::new(format!("`{word}` is not good"))) }
}

#[module(providers = [Attempts], subscribers = [word])]
struct WordModule;

#[tokio::test(start_paused = true)]
async fn mf_a4_a_failing_handler_is_retried_dead_lettered_and_the_next_message_is_handled() {
    let app = TestApp::start(WordModule).await.unwrap();
    app.publish("words", "bad").await.unwrap();
    app.publish("words", "good").await.unwrap();
    let dead = app.dead_letters("words");
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].kind, dead[0].attempts, dead[0].error.as_str()), (FailureKind::Error, 4, "`bad` is not good"));
    assert_eq!(app.get::<Attempts>().count.load(Ordering::Relaxed), 4 + 1, "once and three times more, then the next");
    let Report { subscribers, .. } = app.report();
    assert_eq!((subscribers[0].acked, subscribers[0].retried, subscribers[0].dead_lettered), (1, 3, 1));
}

#[tokio::test]
async fn handlers_without_a_broker_do_not_wait_in_silence() {
    let error = App::new(WordModule).run().await.unwrap_err().to_string();
    assert!(error.contains("nothing runs the handler `word` of module `WordModule`"), "{error}");
}
