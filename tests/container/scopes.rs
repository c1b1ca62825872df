//! A scope: fresh scoped services, shared inside it, completed in reverse at its end.

use crate::support::{Journal, outcome_of};
use modi::{App, AppScope, Completion, Error, Result, RunningApp, Scoped, injectable, module};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts up.
#[injectable]
struct Numbers {
    #[default]
    next: AtomicUsize,
}

impl Numbers {
    fn next(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// What the scoped services of a test do.
#[derive(Clone, Default)]
struct Script {
    journal: Journal,
    /// The constructor that fails.
    refuses: &'static str,
    /// The completion that fails, and whether by a panic.
    fails: &'static str,
    panics: bool,
}

impl Script {
    async fn build(&self, name: &str) -> Result {
        tokio::task::yield_now().await;
        self.journal.note(format!("build {name}"));
        if self.refuses == name { Err(Error::new(format!("{name} refuses"))) } else { Ok(()) }
    }

    fn complete(&self, name: &str, completion: &Completion<'_>) -> Result {
        self.journal.note(match completion {
            Completion::Success => format!("commit {name}"),
            Completion::Failed(error) => format!("roll back {name}: {error}"),
            Completion::Panicked(text) => format!("roll back {name} after a panic: {text}"),
            other => format!("{name}: {other:?}"),
        });
        match (self.fails == name, self.panics) {
            (false, _) => Ok(()),
            (true, false) => Err(Error::new(format!("{name} cannot commit"))),
            (true, true) => panic!("{name} is torn"),
        }
    }
}

/// The first of a chain.
struct Connection {
    number: usize,
    script: Arc<Script>,
}

#[injectable(scoped, complete)]
impl Connection {
    async fn open(numbers: Arc<Numbers>, script: Arc<Script>) -> Result<Self> {
        script.build("Connection").await?;
        Ok(Self { number: numbers.next(), script })
    }
}

impl Scoped for Connection {
    async fn complete(&self, completion: &Completion<'_>) -> Result {
        self.script.complete("Connection", completion)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.script.journal.note("drop Connection");
    }
}

/// The second: without an end.
#[injectable(scoped)]
struct Session {
    connection: Arc<Connection>,
}

/// The third.
struct Unit {
    session: Arc<Session>,
    script: Arc<Script>,
}

#[injectable(scoped, complete)]
impl Unit {
    async fn begin(session: Arc<Session>, script: Arc<Script>) -> Result<Self> {
        script.build("Unit").await?;
        Ok(Self { session, script })
    }
}

impl Scoped for Unit {
    async fn complete(&self, completion: &Completion<'_>) -> Result {
        self.script.complete("Unit", completion)
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.script.journal.note("drop Unit");
    }
}

/// One a place.
struct Query {
    number: usize,
    unit: Arc<Unit>,
}

#[injectable(transient)]
impl Query {
    fn new(numbers: Arc<Numbers>, unit: Arc<Unit>) -> Self {
        Self { number: numbers.next(), unit }
    }
}

/// Two places.
#[injectable(transient)]
struct Pair(Arc<Query>, Arc<Query>);

#[module(
    providers = [Numbers, Connection, Session, Unit, Query, Pair],
    exports = [Connection, Session, Unit, Query, Pair],
)]
struct StorageModule {
    #[provide]
    script: Script,
}

#[module(imports = [StorageModule { script: self.script.clone() }::{Connection, Session, Unit, Query, Pair}])]
struct Root {
    script: Script,
}

async fn started(script: Script) -> (RunningApp<Root>, Journal) {
    let journal = script.journal.clone();
    (App::new(Root { script }).start().await.unwrap(), journal)
}

/// What a scope that takes a `Unit` and then works says, and what happened in it.
async fn scope_of(script: Script, work: fn() -> Result) -> (String, Vec<String>) {
    let (app, journal) = started(script).await;
    let scope = async move |cx: &mut AppScope<'_, Root>| {
        cx.get::<Unit>().await?;
        work()
    };
    (outcome_of(async move { app.scope(scope).await }).await, journal.lines())
}

#[tokio::test(start_paused = true)]
async fn a_scoped_service_is_fresh_in_each_scope_and_shared_inside_one() {
    let (app, _) = started(Script::default()).await;
    let take = async |cx: &mut AppScope<'_, Root>| Ok((cx.get::<Unit>().await?, cx.get::<Connection>().await?));
    let (unit, connection) = app.scope(take).await.unwrap();
    assert!(Arc::ptr_eq(&unit.session.connection, &connection));
    let (other, _) = app.scope(take).await.unwrap();
    assert_eq!((connection.number, other.session.connection.number), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn scopes_side_by_side_do_not_meet() {
    let (app, _) = started(Script::default()).await;
    let take = async |cx: &mut AppScope<'_, Root>| {
        let first = cx.get::<Unit>().await?;
        tokio::task::yield_now().await;
        Ok(Arc::ptr_eq(&first, &cx.get::<Unit>().await?).then_some(first))
    };
    let (one, other) = tokio::join!(app.scope(take), app.scope(take));
    let (one, other) = (one.unwrap().unwrap(), other.unwrap().unwrap());
    assert_ne!(one.session.connection.number, other.session.connection.number);
}

#[tokio::test(start_paused = true)]
async fn a_transient_is_new_in_each_place_with_the_scoped_services_of_its_scope() {
    let (app, _) = started(Script::default()).await;
    let same = app.scope(async |cx| {
        let (unit, one, pair) = (cx.get::<Unit>().await?, cx.get::<Query>().await?, cx.get::<Pair>().await?);
        assert_eq!([one.number, pair.0.number, pair.1.number], [1, 2, 3], "0 is the connection");
        Ok([&one, &pair.0, &pair.1].iter().all(|query| Arc::ptr_eq(&query.unit, &unit)))
    });
    assert!(same.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_scope_makes_what_is_taken_and_what_that_needs_and_nothing_else() {
    let (app, journal) = started(Script::default()).await;
    app.scope(async |cx| cx.get::<Session>().await).await.unwrap();
    assert_eq!(journal.lines(), ["build Connection", "commit Connection", "drop Connection"]);
    app.scope(async |_| Ok(())).await.unwrap();
    assert!(journal.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_completed_in_reverse_and_then_dropped_dependents_first() {
    let (outcome, lines) = scope_of(Script::default(), || Ok(())).await;
    assert_eq!(outcome, "ok");
    assert_eq!(
        lines,
        ["build Connection", "build Unit", "commit Unit", "commit Connection", "drop Unit", "drop Connection"]
    );
}

#[tokio::test(start_paused = true)]
async fn after_an_error_everything_is_completed_as_failed() {
    let (outcome, lines) = scope_of(Script::default(), || Err(Error::new("no stock"))).await;
    assert_eq!(outcome, "no stock");
    assert_eq!(lines[2..4], ["roll back Unit: no stock", "roll back Connection: no stock"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_everything_is_completed_as_panicked_and_the_panic_goes_on() {
    let (outcome, lines) = scope_of(Script::default(), || panic!("no luck")).await;
    assert_eq!(outcome, "panic: no luck");
    assert_eq!(lines[2..4], ["roll back Unit after a panic: no luck", "roll back Connection after a panic: no luck"]);
}

#[tokio::test(start_paused = true)]
async fn once_a_completion_fails_the_rest_are_failed_and_its_error_is_the_scopes() {
    for panics in [false, true] {
        let script = Script { fails: "Unit", panics, ..Script::default() };
        let (outcome, lines) = scope_of(script, || Ok(())).await;
        let error = if panics { "Unit is torn" } else { "Unit cannot commit" };
        assert_eq!(outcome, error);
        assert_eq!(lines[2..4], ["commit Unit".to_owned(), format!("roll back Connection: {error}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_work_is_told_where_a_completion_fails_too() {
    let script = Script { fails: "Unit", ..Script::default() };
    let (outcome, lines) = scope_of(script.clone(), || Err(Error::new("no stock"))).await;
    assert_eq!(outcome, "no stock");
    assert_eq!(lines[2..4], ["roll back Unit: no stock", "roll back Connection: Unit cannot commit"]);
    let (outcome, _) = scope_of(script, || panic!("no luck")).await;
    assert_eq!(outcome, "panic: no luck");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_scoped_constructor_ends_the_scope_and_completes_what_was_made() {
    let script = Script { refuses: "Unit", ..Script::default() };
    let (outcome, lines) = scope_of(script, || Ok(())).await;
    assert_eq!(outcome, "Unit refuses");
    assert_eq!(lines, ["build Connection", "build Unit", "roll back Connection: Unit refuses", "drop Connection"]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_in_a_scope_can_be_asked_for_again() {
    let script = Script { refuses: "Unit", ..Script::default() };
    let (app, journal) = started(script).await;
    let work = app.scope(async |cx| {
        assert!(cx.get::<Unit>().await.is_err());
        assert!(cx.get::<Unit>().await.is_err());
        Ok(cx.get::<Session>().await?.connection.number)
    });
    assert_eq!(work.await.unwrap(), 0, "one connection for all three");
    assert_eq!(journal.lines()[..3], ["build Connection", "build Unit", "build Unit"]);
}

#[tokio::test(start_paused = true)]
async fn independent_services_of_a_scope_are_dropped_in_reverse() {
    struct Noted<const N: usize>(Arc<Script>);
    #[injectable(scoped)]
    impl<const N: usize> Noted<N> {
        fn new(script: Arc<Script>) -> Self {
            Self(script)
        }
    }
    impl<const N: usize> Drop for Noted<N> {
        fn drop(&mut self) {
            self.0.journal.note(format!("drop {N}"));
        }
    }
    #[module(providers = [Noted<1>, Noted<2>, Noted<3>])]
    struct Alone {
        #[provide]
        script: Script,
    }

    let script = Script::default();
    let app = App::new(Alone { script: script.clone() }).start().await.unwrap();
    let work = app.scope(async |cx| {
        cx.get::<Noted<2>>().await?;
        cx.get::<Noted<1>>().await?;
        cx.get::<Noted<3>>().await?;
        Ok(())
    });
    work.await.unwrap();
    assert_eq!(script.journal.lines(), ["drop 3", "drop 1", "drop 2"]);
}

trait Numbered: Send + Sync {
    fn number(&self) -> usize;
}

impl Numbered for Connection {
    fn number(&self) -> usize {
        self.number
    }
}

struct Fixed(usize);
impl Numbered for Fixed {
    fn number(&self) -> usize {
        self.0
    }
}

#[tokio::test(start_paused = true)]
async fn a_scoped_service_goes_by_the_name_of_a_trait() {
    #[module(providers = [Numbers, Connection, Connection as dyn Numbered])]
    struct Alone {
        #[provide]
        script: Script,
    }

    let app = App::new(Alone { script: Script::default() }).start().await.unwrap();
    let numbers = async |cx: &mut AppScope<'_, Alone>| {
        let (named, own) = (cx.get::<dyn Numbered>().await?, cx.get::<Connection>().await?);
        assert!(std::ptr::addr_eq(Arc::as_ptr(&named), Arc::as_ptr(&own)), "one instance under both names");
        Ok(named.number())
    };
    assert_eq!(app.scope(numbers).await.unwrap(), 0);
    assert_eq!(app.scope(numbers).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_scoped_function_may_choose_the_implementation() {
    #[injectable(scoped)]
    async fn numbered(numbers: Arc<Numbers>) -> Result<Arc<dyn Numbered>> {
        tokio::task::yield_now().await;
        Ok(Arc::new(Fixed(numbers.next() + 10)))
    }
    #[injectable(transient)]
    fn doubled(numbered: Arc<dyn Numbered>) -> Box<dyn Numbered> {
        Box::new(Fixed(numbered.number() * 2))
    }
    #[module(providers = [Numbers, numbered, doubled])]
    struct Alone;

    let app = App::new(Alone).start().await.unwrap();
    let numbers = async |cx: &mut AppScope<'_, Alone>| {
        let (one, again) = (cx.get::<dyn Numbered>().await?, cx.get::<dyn Numbered>().await?);
        assert!(Arc::ptr_eq(&one, &again));
        Ok((one.number(), cx.get::<Box<dyn Numbered>>().await?.number()))
    };
    assert_eq!(app.scope(numbers).await.unwrap(), (10, 20));
    assert_eq!(app.scope(numbers).await.unwrap(), (11, 22));
}

#[tokio::test(start_paused = true)]
async fn a_scope_gives_singletons_too() {
    let (app, _) = started(Script::default()).await;
    let script = app.scope(async |cx| Ok(cx.get::<Connection>().await?.script.clone())).await.unwrap();
    #[module(imports = [StorageModule { script: Script::default() }::{Connection}], providers = [Numbers])]
    struct Alone;
    let app = App::new(Alone).start().await.unwrap();
    let numbers = app.scope(async |cx| cx.get::<Numbers>().await).await.unwrap();
    assert!(Arc::ptr_eq(&numbers, app.get::<Numbers>()));
    assert_eq!(script.refuses, "");
}

#[tokio::test(start_paused = true)]
async fn an_application_with_open_scopes_can_be_shared_between_tasks() {
    let (app, _) = started(Script::default()).await;
    let app = Arc::new(app);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(
                async move { app.scope(async |cx| Ok(cx.get::<Unit>().await?.session.connection.number)).await },
            )
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..8).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_a_generic_is_scoped_and_completed_too() {
    #[injectable(scoped, complete)]
    struct Changes<T> {
        script: Arc<Script>,
        #[default]
        rows: Vec<T>,
    }
    impl<T: Send + Sync + 'static> Scoped for Changes<T> {
        async fn complete(&self, completion: &Completion<'_>) -> Result {
            self.script.complete(&format!("{} rows", self.rows.len()), completion)
        }
    }
    #[module(providers = [Changes<u8>, Changes<String>])]
    struct Alone {
        #[provide]
        script: Script,
    }

    let script = Script::default();
    let app = App::new(Alone { script: script.clone() }).start().await.unwrap();
    let both = app.scope(async |cx| Ok((cx.get::<Changes<u8>>().await?, cx.get::<Changes<String>>().await?)));
    both.await.unwrap();
    assert_eq!(script.journal.lines(), ["commit 0 rows", "commit 0 rows"]);
}
