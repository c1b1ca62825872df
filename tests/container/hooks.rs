//! `on_start` and `on_stop`: along the graph and back, and what happens when one of them goes wrong.

use crate::support::{Journal, chain, outcome_of};
use modi::{App, Error, Lazy, Lifecycle, Result, injectable, module};
use std::sync::Arc;
use std::time::Duration;

/// What a hook does besides being noted.
#[derive(Clone, Copy, PartialEq)]
enum Hook {
    Ok,
    Fails,
    Panics,
    Hangs,
}

impl Hook {
    async fn run(self, what: &str) -> Result {
        match self {
            Self::Ok => Ok(()),
            Self::Fails => Err(Error::new(format!("{what} failed"))),
            Self::Panics => std::panic::panic_any(format!("{what} panicked")),
            Self::Hangs => std::future::pending().await,
        }
    }
}

/// What the hooks of each service do; the others do nothing.
#[derive(Clone, Default)]
struct Script {
    journal: Journal,
    hooks: Vec<(&'static str, Hook)>,
}

impl Script {
    async fn run(&self, what: &str) -> Result {
        self.journal.note(what);
        let hook = self.hooks.iter().find(|(name, _)| *name == what).map_or(Hook::Ok, |(_, hook)| *hook);
        hook.run(what).await
    }
}

/// Services that follow the script.
macro_rules! scripted {
    ($($name:ident { $($field:ident: $needed:ty),* })*) => {
        $(
            #[injectable(lifecycle)]
            struct $name {
                script: Arc<Script>,
                $($field: Arc<$needed>,)*
            }

            impl Lifecycle for $name {
                async fn on_start(&self) -> Result {
                    self.script.run(concat!("start ", stringify!($name))).await
                }

                async fn on_stop(&self) -> Result {
                    self.script.run(concat!("stop ", stringify!($name))).await
                }
            }
        )*
    };
}

scripted! {
    Database {}
    Cache { _database: Database }
    Orders { _cache: Cache }
}

/// Has no hooks, and stands between two that have.
struct Plain;
#[injectable]
impl Plain {
    fn new(script: Arc<Script>, _: Arc<Orders>) -> Self {
        script.journal.note("build Plain");
        Self
    }
}

#[module(providers = [Cache, Database], exports = [Cache, Script])]
struct StorageModule {
    #[provide]
    script: Script,
}

#[module(imports = [StorageModule { script: self.script.clone() }::{Cache, Script}], providers = [Orders, Plain])]
struct Root {
    script: Script,
}

fn app(hooks: &[(&'static str, Hook)]) -> (App<Root>, Journal) {
    let script = Script { journal: Journal::default(), hooks: hooks.to_vec() };
    let journal = script.journal.clone();
    (App::new(Root { script }), journal)
}

/// What a start with this hook says, and what happened.
async fn start_of(hook: (&'static str, Hook)) -> (String, Vec<String>) {
    let (app, journal) = app(&[hook]);
    let error = app.start().await.unwrap_err();
    (chain(&error), journal.lines())
}

/// What a stop with these hooks says, and what happened.
async fn stop_of(hooks: &[(&'static str, Hook)]) -> (String, Vec<String>) {
    let (app, journal) = app(hooks);
    let app = app.start().await.unwrap();
    journal.lines();
    (outcome_of(app.stop()).await, journal.lines())
}

#[tokio::test(start_paused = true)]
async fn hooks_run_after_all_constructors_dependencies_first_and_back_in_reverse() {
    let (app, journal) = app(&[]);
    let app = app.start().await.unwrap();
    assert_eq!(journal.lines(), ["build Plain", "start Database", "start Cache", "start Orders"]);
    app.stop().await.unwrap();
    assert_eq!(journal.lines(), ["stop Orders", "stop Cache", "stop Database"]);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_is_dropped_runs_no_hook() {
    let (app, journal) = app(&[]);
    let app = app.start().await.unwrap();
    journal.lines();
    drop(app);
    assert!(journal.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_started_before_a_hook_fails_is_stopped_in_reverse_and_only_that() {
    let unwound = ["build Plain", "start Database", "start Cache", "start Orders", "stop Cache", "stop Database"];
    assert_eq!(
        start_of(("start Orders", Hook::Fails)).await,
        (
            "`Orders` of module `Root` failed to start: start Orders failed".to_owned(),
            unwound.map(str::to_owned).to_vec()
        )
    );
    let (error, lines) = start_of(("start Cache", Hook::Fails)).await;
    assert_eq!(error, "`Cache` of module `StorageModule` failed to start: start Cache failed");
    assert_eq!(lines, ["build Plain", "start Database", "start Cache", "stop Database"]);
    let (_, lines) = start_of(("start Database", Hook::Fails)).await;
    assert_eq!(lines, ["build Plain", "start Database"]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_is_an_error_by_name_and_unwinds_the_start() {
    let (error, lines) = start_of(("start Cache", Hook::Panics)).await;
    assert_eq!(error, "`Cache` of module `StorageModule` panicked at start: start Cache panicked");
    assert_eq!(lines, ["build Plain", "start Database", "start Cache", "stop Database"]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_is_named_at_the_deadline_and_unwinds_the_start() {
    let (app, journal) = app(&[("start Cache", Hook::Hangs)]);
    let begun = tokio::time::Instant::now();
    let error = app.start_deadline(Duration::from_secs(7)).start().await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
    assert_eq!(error.to_string(), "not started after 7s: still waiting for `Cache` of module `StorageModule`");
    assert_eq!(journal.lines(), ["build Plain", "start Database", "start Cache", "stop Database"]);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_the_start_is_told_where_the_unwinding_fails_too() {
    let (app, journal) = app(&[("start Orders", Hook::Fails), ("stop Cache", Hook::Fails)]);
    let error = app.start().await.unwrap_err();
    assert_eq!(chain(&error), "`Orders` of module `Root` failed to start: start Orders failed");
    assert_eq!(journal.lines()[4..], ["stop Cache", "stop Database"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_error_of_a_stop_is_told_and_the_others_are_stopped_all_the_same() {
    let all = ["stop Orders", "stop Cache", "stop Database"].map(str::to_owned).to_vec();
    assert_eq!(
        stop_of(&[("stop Orders", Hook::Fails), ("stop Database", Hook::Fails)]).await,
        ("`Orders` of module `Root` in `on_stop`: stop Orders failed".to_owned(), all.clone())
    );
    assert_eq!(
        stop_of(&[("stop Cache", Hook::Panics), ("stop Database", Hook::Fails)]).await,
        ("`Cache` of module `StorageModule` in `on_stop`: panicked: stop Cache panicked".to_owned(), all.clone())
    );
    assert_eq!(
        stop_of(&[("stop Cache", Hook::Hangs)]).await,
        ("`Cache` of module `StorageModule` in `on_stop`: not stopped after 20s".to_owned(), all)
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_of_one_on_stop_can_be_chosen() {
    let (app, _) = app(&[("stop Cache", Hook::Hangs)]);
    let app = app.drain_deadline(Duration::from_secs(3)).start().await.unwrap();
    let begun = tokio::time::Instant::now();
    assert!(app.stop().await.is_err());
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
}

/// A hook may be a plain function that returns a future, and panic before it does.
#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_before_its_future_is_caught_too() {
    #[injectable(lifecycle)]
    struct Hasty {
        script: Arc<Script>,
    }
    impl Lifecycle for Hasty {
        fn on_start(&self) -> impl Future<Output = Result> + Send {
            assert!(!self.script.hooks.contains(&("start Hasty", Hook::Panics)), "no future");
            std::future::ready(Ok(()))
        }

        fn on_stop(&self) -> impl Future<Output = Result> + Send {
            assert!(!self.script.hooks.contains(&("stop Hasty", Hook::Panics)), "no future");
            std::future::ready(Ok(()))
        }
    }
    #[module(imports = [StorageModule { script: self.script.clone() }::{Script}], providers = [Hasty])]
    struct Hurry {
        script: Script,
    }
    let app = |hook| {
        let script = Script { journal: Journal::default(), hooks: vec![(hook, Hook::Panics)] };
        (script.journal.clone(), App::new(Hurry { script }))
    };

    let (journal, hurry) = app("start Hasty");
    let error = hurry.start().await.unwrap_err();
    assert_eq!(error.to_string(), "`Hasty` of module `Hurry` panicked at start: no future");
    assert_eq!(journal.lines(), ["start Database", "start Cache", "stop Cache", "stop Database"]);

    let (journal, hurry) = app("stop Hasty");
    let error = hurry.start().await.unwrap().stop().await.unwrap_err();
    assert_eq!(format!("{error:#}"), "`Hasty` of module `Hurry` in `on_stop`: panicked: no future");
    assert_eq!(journal.lines(), ["start Database", "start Cache", "stop Cache", "stop Database"]);
}

#[tokio::test(start_paused = true)]
async fn hooks_may_use_what_is_lazy() {
    #[injectable(lifecycle)]
    struct Warm {
        script: Arc<Script>,
        orders: Lazy<Orders>,
    }
    impl Lifecycle for Warm {
        async fn on_start(&self) -> Result {
            self.orders.get().script.journal.note("start Warm");
            Ok(())
        }

        async fn on_stop(&self) -> Result {
            self.orders.try_get()?.script.journal.note("stop Warm");
            self.script.journal.note("after Warm");
            Ok(())
        }
    }
    #[module(imports = [StorageModule { script: self.script.clone() }::{Cache, Script}], providers = [Warm, Orders])]
    struct Kitchen {
        script: Script,
    }

    let script = Script::default();
    let app = App::new(Kitchen { script: script.clone() }).start().await.unwrap();
    app.stop().await.unwrap();
    let lines = script.journal.lines();
    for line in ["start Warm", "stop Warm", "after Warm"] {
        assert!(lines.contains(&line.to_owned()), "{line} in {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_of_a_function_and_an_instance_of_a_generic_have_hooks_too() {
    struct Pool(Script);
    impl Lifecycle for Pool {
        async fn on_start(&self) -> Result {
            self.0.run("start Pool").await
        }
    }
    #[injectable(lifecycle)]
    async fn pool(script: Arc<Script>) -> Pool {
        tokio::task::yield_now().await;
        Pool((*script).clone())
    }

    #[injectable(lifecycle)]
    struct Repository<T> {
        pool: Arc<Pool>,
        #[default]
        rows: Vec<T>,
    }
    impl<T: Send + Sync + 'static> Lifecycle for Repository<T> {
        async fn on_stop(&self) -> Result {
            self.pool.0.run(&format!("stop {} rows", self.rows.len())).await
        }
    }

    #[module(
        imports = [StorageModule { script: self.script.clone() }::{Script}],
        providers = [pool, pool as dyn Send + Sync, Repository<u8>, Repository<String>],
    )]
    struct Home {
        script: Script,
    }

    let script = Script::default();
    let app = App::new(Home { script: script.clone() }).start().await.unwrap();
    assert_eq!(script.journal.lines(), ["start Database", "start Cache", "start Pool"]);
    app.stop().await.unwrap();
    assert_eq!(script.journal.lines(), ["stop 0 rows", "stop 0 rows", "stop Cache", "stop Database"]);
}
