// Tables of claims, included in both halves: each brings its own types under the same names.
// A row is what is claimed, what was seen, and what it must be.

fn app(settings: &Settings) -> App<OrderModule> {
    App::new(OrderModule { storage: settings.clone() })
}

async fn started(url: &str) -> RunningApp<OrderModule> {
    let app = app(&Settings::new(url)).start().await.unwrap();
    lines(app.get::<Journal>());
    app
}

/// What a start that fails says, and what happened until then. It is stopped as soon as it hangs, if that is asked for.
async fn failed(url: &str, stopped: bool) -> String {
    let (settings, journal) = (Settings::new(url), Arc::new(Journal::default()));
    let app = app(&settings).overrides(Overrides::new().replace::<Journal>(journal.clone()));
    let stop = app.stop_handle();
    let until_it_hangs = async {
        if stopped {
            settings.hanging.notified().await;
            stop.stop();
        }
    };
    let (outcome, ()) = tokio::join!(app.start(), until_it_hangs);
    format!("{}; {}", chain(&outcome.unwrap_err()), lines(&journal).join(", "))
}

/// What a stop that fails says, and what happened.
async fn stopped(url: &str) -> String {
    let app = started(url).await;
    let journal = app.get::<Journal>().clone();
    let error = app.stop().await.unwrap_err();
    format!("{error:#}; {}", lines(&journal).join(", "))
}

/// What becomes of a scope that takes a transaction, and what happened in it.
async fn scoped(url: &str, work: fn() -> Result) -> String {
    let app = started(url).await;
    let journal = app.get::<Journal>().clone();
    let scope = async move |cx: &mut AppScope<'_, OrderModule>| {
        cx.get::<Transaction>().await?;
        work()
    };
    let outcome = outcome_of(async move { app.scope(scope).await }).await;
    format!("{outcome}; {}", lines(&journal).join(", "))
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_provider_gives_what_it_should() {
    let begun = Instant::now();
    let app = started("pg").await;
    let took = begun.elapsed();
    let (orders, journal) = (app.get::<Orders>(), app.get::<Journal>());
    let parts: Vec<_> = orders.health.iter().map(|part| part.part()).collect();
    orders.mailer.send("hello");
    let _user: PhantomData<fn() -> User> = orders.repository.load();
    hold(&[
        ("a constructor that waits is waited for, once", format!("{took:?}"), "50ms"),
        ("an async function chooses the clock", app.get::<dyn Clock>().now().to_string(), "2"),
        ("a function provides a type of another crate", lines(journal).join(", "), "mail hello through port 25, load"),
        ("a value goes down to the import", app.get::<Database>().settings.url.clone(), "pg"),
        ("a diamond of imports is one", Arc::ptr_eq(&orders.repository.db, app.get()).to_string(), "true"),
        ("an optional is absent", orders.audit.is_none().to_string(), "true"),
        ("a set joins two imports, each member once", parts.join(", "), "smtp, database"),
        ("a lazy closes the cycle", Arc::ptr_eq(&orders.stock.orders.get(), orders).to_string(), "true"),
    ]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_named_and_what_was_started_is_stopped() {
    let nothing = |error: &str| format!("{error}; ");
    let unwound = |error: &str| format!("{error}; start Database, start Smtp, stop Database");
    let rows = [
        ("clock fails", false, nothing("`dyn Clock` of module `StorageModule` failed to start: clock failed as asked")),
        (
            "connect fails",
            false,
            nothing("`Database` of module `StorageModule` failed to start: connect failed as asked"),
        ),
        (
            "connect panics",
            false,
            nothing("`Database` of module `StorageModule` panicked at start: connect panicked as asked"),
        ),
        (
            "connect hangs",
            false,
            nothing("not started after 60s: still waiting for `Database` of module `StorageModule`"),
        ),
        ("connect hangs", true, nothing("stopped while it was starting")),
        (
            "start Smtp fails",
            false,
            unwound("`Smtp` of module `MailModule` failed to start: start Smtp failed as asked"),
        ),
        (
            "start Smtp panics",
            false,
            unwound("`Smtp` of module `MailModule` panicked at start: start Smtp panicked as asked"),
        ),
        ("start Smtp hangs", false, unwound("not started after 60s: still waiting for `Smtp` of module `MailModule`")),
        ("start Smtp hangs", true, unwound("stopped while it was starting")),
    ];
    for (url, stop, expected) in rows {
        assert_eq!(failed(url, stop).await, expected, "{url}");
    }
    let alone = App::new(MailModule).start().await.unwrap_err();
    assert_eq!(
        alone.to_string(),
        "the modules do not fit together:\n  module `StorageModule` needs a value: it is imported by `MailModule` without one"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_goes_on_to_its_end() {
    let app = started("pg").await;
    let (journal, stock) = (app.get::<Journal>().clone(), app.get::<Stock>().clone());
    app.stop().await.unwrap();
    let late = stock.orders.try_get().err().unwrap();
    hold(&[
        ("hooks run in reverse", lines(&journal).join(", "), "stop Smtp, stop Database"),
        ("a lazy keeps nothing", late.to_string(), "`Stock` used `Lazy<Orders>` after the application stopped"),
        (
            "an error is told",
            stopped("stop Smtp fails").await,
            "`Smtp` of module `MailModule` in `on_stop`: stop Smtp failed as asked; stop Smtp, stop Database",
        ),
        (
            "so is a panic",
            stopped("stop Smtp panics").await,
            "`Smtp` of module `MailModule` in `on_stop`: panicked: stop Smtp panicked as asked; stop Smtp, stop Database",
        ),
        (
            "so is what does not end",
            stopped("stop Smtp hangs").await,
            "`Smtp` of module `MailModule` in `on_stop`: not stopped after 20s; stop Smtp, stop Database",
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_scope_has_one_transaction_and_ends_it() {
    let app = started("pg").await;
    let shared = app.scope(async |cx| {
        let (transaction, one, other) =
            (cx.get::<Transaction>().await?, cx.get::<Query>().await?, cx.get::<Query>().await?);
        let same = |query: &Arc<Query>| Arc::ptr_eq(&query.transaction, &transaction);
        Ok(format!("{}, {}, {}", same(&one), same(&other), Arc::ptr_eq(&one, &other)))
    });
    hold(&[
        ("scoped: one a scope; transient: one a place", shared.await.unwrap(), "true, true, false"),
        ("success commits", scoped("pg", || Ok(())).await, "ok; commit 0"),
        (
            "an error rolls back",
            scoped("pg", || Err(Error::new("no stock"))).await,
            "no stock; roll back after an error 0",
        ),
        ("a panic rolls back, too", scoped("pg", || panic!("no luck")).await, "panic: no luck; roll back 0"),
        ("an error of a constructor is the scope's", scoped("begin fails", || Ok(())).await, "begin failed as asked; "),
        ("one of an end is, too", scoped("complete fails", || Ok(())).await, "complete failed as asked; commit 0"),
        ("and a panic of an end", scoped("complete panics", || Ok(())).await, "complete panicked as asked; commit 0"),
        (
            "the first error is told",
            scoped("complete fails", || Err(Error::new("no stock"))).await,
            "no stock; roll back after an error 0",
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn fakes_are_injected_whatever_they_stand_for() {
    let overrides = Overrides::new()
        .replace_with::<dyn Mailer, Recorder>(|fake| fake)
        .replace_with::<Transaction, rehearsal>(|fake| fake)
        .replace_with::<Query, rehearsed>(|fake| fake);
    let app = app(&Settings::new("pg")).overrides(overrides).start().await.unwrap();
    let journal = app.get::<Journal>().clone();
    let begin = lines(&journal).join(", ");
    app.get::<Orders>().mailer.send("hello");
    let mail = lines(&journal).join(", ");
    let query = app.scope(async |cx| Ok(cx.get::<Query>().await?.transaction.number.to_string())).await.unwrap();
    let scope = lines(&journal).join(", ");
    app.stop().await.unwrap();
    hold(&[
        ("a fake of a singleton has its own hooks", begin, "start Recorder, start Database, start Smtp"),
        ("and is used", mail, "record hello"),
        ("one of a transient takes one of a scoped service", query, "1000"),
        ("which is completed", scope, "rehearse, commit 1000"),
        ("all are stopped in reverse", lines(&journal).join(", "), "stop Smtp, stop Database, stop Recorder"),
    ]);
}
