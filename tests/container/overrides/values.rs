//! Values that a test makes and puts in the place of services.

use super::{
    Ledger, MailModule, Mailer, Orders, Silent, Smtp, Transaction, Users, number, started, transaction_and_query,
};
use crate::support::{Journal, outcome_of};
use modi::{All, App, Overrides, injectable, module};
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn without_overrides_everything_is_real() {
    let (app, journal) = started(Overrides::new()).await;
    assert_eq!(app.get::<Users>().mailer.name(), "smtp");
    assert_eq!(app.get::<Ledger>().stamp.0, "real");
    assert_eq!(journal.lines(), ["open Relay", "new Smtp", "start smtp"]);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_is_had_by_every_importer() {
    let fake: Arc<dyn Mailer> = Arc::new(Silent);
    let (app, _) = started(Overrides::new().replace::<dyn Mailer>(fake.clone())).await;
    for mailer in [&app.get::<Users>().mailer, &app.get::<Orders>().mailer, app.get::<dyn Mailer>()] {
        assert!(Arc::ptr_eq(mailer, &fake));
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_an_overridden_provider_needed_is_not_built() {
    let (app, journal) = started(Overrides::new().replace::<dyn Mailer>(Arc::new(Silent))).await;
    assert!(journal.lines().is_empty(), "neither `Smtp` nor its `Relay`");
    app.stop().await.unwrap();
    assert!(journal.lines().is_empty(), "and no hook of it");
}

#[tokio::test(start_paused = true)]
async fn asking_for_what_was_not_built_panics_with_the_name_of_the_override() {
    #[injectable]
    struct Pool;
    #[injectable]
    struct Database {
        pool: Arc<Pool>,
    }
    #[module(providers = [Pool, Database], exports = [Pool, Database])]
    struct StorageModule;
    #[module(imports = [StorageModule::{Pool, Database}])]
    struct Root;

    let fake = Arc::new(Database { pool: Arc::new(Pool) });
    let overrides = Overrides::new().replace::<Database>(fake.clone());
    let app = Arc::new(App::new(Root).overrides(overrides).start().await.unwrap());
    let expected =
        "panic: `Pool` of module `StorageModule` was not built: only what is overridden needed it (`Database`)";
    let asked = app.clone();
    assert_eq!(outcome_of(async move { Ok(asked.get::<Pool>().clone()) }).await, expected);
    let asked = app.clone();
    assert_eq!(outcome_of(async move { asked.scope(async |cx| cx.get::<Pool>().await).await }).await, expected);
    assert_eq!(Arc::strong_count(&fake.pool), 1);
}

#[tokio::test(start_paused = true)]
async fn what_another_needs_too_is_built_all_the_same() {
    #[injectable]
    struct Pool;
    #[injectable]
    struct Database(Arc<Pool>);
    #[injectable]
    struct Metrics(Arc<Pool>);
    #[module(providers = [Pool, Database, Metrics])]
    struct Root;

    let fake = Arc::new(Database(Arc::new(Pool)));
    let app = App::new(Root).overrides(Overrides::new().replace::<Database>(fake.clone())).start().await.unwrap();
    assert!(Arc::ptr_eq(&app.get::<Metrics>().0, app.get::<Pool>()));
    assert!(!Arc::ptr_eq(&fake.0, app.get::<Pool>()));
}

#[tokio::test(start_paused = true)]
async fn a_private_provider_is_replaced_from_its_module() {
    let journal = Arc::new(Journal::default());
    let fake = Arc::new(Smtp { name: "fake", journal: journal.clone() });
    let (app, real) = started(Overrides::new().replace_in::<MailModule, Smtp>(fake)).await;
    assert_eq!(app.get::<Users>().mailer.name(), "fake");
    assert!(real.lines().is_empty(), "the `Relay` of the real one is not opened");
    app.stop().await.unwrap();
    assert!(journal.lines().is_empty(), "a value of the test has no hooks: the test made it, and ends it");
}

#[tokio::test(start_paused = true)]
async fn a_value_of_a_module_is_replaced_like_others() {
    let journal = Journal::default();
    let (app, real) = started(Overrides::new().replace::<Journal>(Arc::new(journal.clone()))).await;
    assert_eq!(journal.lines(), ["open Relay", "new Smtp", "start smtp"]);
    app.stop().await.unwrap();
    assert!(real.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_scoped_service_is_replaced_by_a_value() {
    let journal = Journal::default();
    let fake = Arc::new(number(7, Arc::new(journal.clone())));
    let (app, _) = started(Overrides::new().replace::<Transaction>(fake)).await;
    assert_eq!(app.scope(transaction_and_query).await.unwrap(), (7, 7, true));
    assert!(journal.lines().is_empty(), "it is not completed: it is the test's");
}

#[tokio::test(start_paused = true)]
async fn a_set_is_replaced_as_a_whole_or_by_its_members() {
    trait Health: Send + Sync {
        fn part(&self) -> &'static str;
    }
    #[injectable]
    struct Disk {
        #[default("disk")]
        part: &'static str,
    }
    impl Health for Disk {
        fn part(&self) -> &'static str {
            self.part
        }
    }
    #[module(providers = [Disk, Disk as all dyn Health])]
    struct Root;
    let parts = async |overrides| {
        let app = App::new(Root).overrides(overrides).start().await.unwrap();
        app.get::<All<dyn Health>>().iter().map(|health| health.part()).collect::<Vec<_>>()
    };

    assert_eq!(parts(Overrides::new().replace::<Disk>(Arc::new(Disk { part: "fake" }))).await, ["fake"]);
    let none = Arc::new(All::<dyn Health>::new([]));
    assert!(parts(Overrides::new().replace::<All<dyn Health>>(none)).await.is_empty());
}
