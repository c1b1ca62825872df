//! MF-A7: an aggregate from its events, and the pipeline that takes the old format.

use super::shop;
use modi::FailureKind;
use serde_json::json;
use shop::event_store::{EventStore, UserAggregate, UserState};
use shop::notifications::Notifications;
use shop::users::UserService;

#[tokio::test]
async fn mf_a7_a_user_is_the_sum_of_its_events() {
    let app = shop().await;
    let users = app.get::<UserAggregate>();
    assert_eq!(users.create("1", "Ada", "ada@old").version, 1);
    assert_eq!(users.update_email("1", "ada@new").version, 2);
    assert_eq!(users.create("2", "Grace", "grace@x").version, 1, "versions are counted by stream");

    let name = |name: &str, email: &str| UserState { name: Some(name.into()), email: Some(email.into()) };
    assert_eq!(users.state("1"), name("Ada", "ada@new"), "the later address counts");
    assert_eq!(users.state("2"), name("Grace", "grace@x"), "another stream is as it was");
    assert_eq!(users.state("3"), UserState::default(), "an unknown stream is empty");
    assert_eq!(app.get::<EventStore>().stream("user-1").len(), 2);
}

#[tokio::test]
async fn mf_a7_the_old_format_is_processed_as_the_new_one() {
    let app = shop().await;
    app.publish("user.events", &json!({ "userId": "7", "userName": "Ada", "email": "ada@old", "action": "create" }))
        .await
        .unwrap();
    let update = json!({ "userId": "7", "userName": "Ada", "action": "update", "updates": { "email": "ada@new" } });
    app.publish("user.events", &update).await.unwrap();
    assert_eq!(app.get::<UserService>().get("7").map(|user| user.email), Some("ada@new".to_owned()));
    let contents: Vec<String> = app.get::<Notifications>().sent().into_iter().map(|sent| sent.content).collect();
    assert_eq!(contents, ["Welcome Ada!", "Your profile was updated: email"]);
    assert_eq!(app.get::<EventStore>().stream("user-7").len(), 2);
}

#[tokio::test]
async fn mf_a7_a_message_without_action_or_with_an_unknown_one_is_rejected() {
    let app = shop().await;
    app.publish("user.events", &json!({ "user_id": "7" })).await.unwrap();
    app.publish("user.events", &json!({ "user_id": "7", "action": "delete" })).await.unwrap();
    let dead = app.dead_letters("user.events");
    let errors: Vec<_> = dead.iter().map(|letter| (letter.kind, letter.attempts, letter.error.as_str())).collect();
    let want = [(FailureKind::Reject, 1, "Invalid message format"), (FailureKind::Reject, 1, "Unknown action: delete")];
    assert_eq!(errors, want, "rejected at once: trying again would not help");
}
