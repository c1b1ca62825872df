//! Requirement MF-A5, the container of an order system: what must be true at run time. What must not compile is among the
//! UI tests.

use modi::{App, Lazy, injectable, module};
use std::sync::Arc;

#[injectable]
struct ConfigService {
    #[default("memory://".to_owned())]
    broker_url: String,
}

#[injectable]
struct DatabaseService {
    config: Arc<ConfigService>,
}

#[injectable]
struct UserService {
    db: Arc<DatabaseService>,
}

#[injectable]
struct NotificationService {
    config: Arc<ConfigService>,
}

#[injectable]
struct EmailService {
    notifications: Arc<NotificationService>,
}

#[injectable]
struct UserEventHandler {
    users: Arc<UserService>,
    mails: Arc<EmailService>,
}

#[injectable]
struct AnalyticsHandler {
    db: Arc<DatabaseService>,
    config: Lazy<ConfigService>,
}

/// Seven providers in one module.
#[module(providers = [
    ConfigService,
    DatabaseService,
    UserService,
    NotificationService,
    EmailService,
    UserEventHandler,
    AnalyticsHandler,
])]
struct AppModule;

#[tokio::test(start_paused = true)]
async fn mf_a5_a_singleton_is_the_same_everywhere() {
    let app = App::new(AppModule).start().await.unwrap();
    let (users, analytics) = (app.get::<UserEventHandler>(), app.get::<AnalyticsHandler>());
    let config = app.get::<ConfigService>();
    for other in [
        &users.users.db.config,
        &users.mails.notifications.config,
        &analytics.db.config,
        &analytics.config.get(),
        &app.scope(async |cx| cx.get::<ConfigService>().await).await.unwrap(),
    ] {
        assert!(Arc::ptr_eq(other, config));
    }
}

#[tokio::test(start_paused = true)]
async fn mf_a5_a_transient_is_new_at_each_use() {
    #[injectable(transient)]
    struct Request {
        config: Arc<ConfigService>,
    }
    #[injectable]
    struct Client {
        one: Arc<Request>,
        other: Arc<Request>,
    }
    #[module(providers = [ConfigService], exports = [ConfigService])]
    struct CoreModule;
    #[module(imports = [CoreModule::{ConfigService}], providers = [Request, Client])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let client = app.get::<Client>();
    let (third, fourth) =
        app.scope(async |cx| Ok((cx.get::<Request>().await?, cx.get::<Request>().await?))).await.unwrap();
    let all = [&client.one, &client.other, &third, &fourth];
    for (at, one) in all.iter().enumerate() {
        assert!(all[at + 1..].iter().all(|other| !Arc::ptr_eq(one, other)));
        assert!(Arc::ptr_eq(&one.config, app.get::<ConfigService>()));
    }
}

#[test]
fn mf_a5_the_module_has_seven_providers() {
    assert_eq!(App::new(AppModule).graph().provider_count(), 7);
}

#[tokio::test(start_paused = true)]
async fn mf_a5_two_applications_share_nothing() {
    let one = App::new(AppModule).start().await.unwrap();
    let other = App::new(AppModule).start().await.unwrap();
    assert!(!Arc::ptr_eq(one.get::<ConfigService>(), other.get::<ConfigService>()));
    assert!(!Arc::ptr_eq(one.get::<UserEventHandler>(), other.get::<UserEventHandler>()));
    one.stop().await.unwrap();
    assert!(Arc::ptr_eq(&other.get::<AnalyticsHandler>().config.get(), other.get::<ConfigService>()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mf_a5_a_hundred_gets_at_once_meet_one_instance() {
    let app = Arc::new(App::new(AppModule).start().await.unwrap());
    let begin = Arc::new(tokio::sync::Barrier::new(100));
    let gets: Vec<_> = (0..100)
        .map(|_| {
            let (app, begin) = (app.clone(), begin.clone());
            tokio::spawn(async move {
                begin.wait().await;
                app.get::<AnalyticsHandler>().config.get()
            })
        })
        .collect();
    for get in gets {
        assert!(Arc::ptr_eq(&get.await.unwrap(), app.get::<ConfigService>()));
    }
    assert_eq!(app.get::<ConfigService>().broker_url, "memory://");
}
