//! A start that fails says what, where and why, and leaves nothing behind.

use crate::support::{Journal, chain, work};
use modi::{App, Error, Result, StartError, injectable, module};
use modi_core::Module;
use std::sync::Arc;
use std::time::Duration;

async fn failure_of<M: Module>(root: M) -> StartError {
    App::new(root).start().await.unwrap_err()
}

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection refused")
    }
}

impl std::error::Error for Refused {}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_constructor_names_the_module_the_service_and_the_cause() {
    struct Database;
    #[injectable]
    impl Database {
        fn open() -> Result<Self, Refused> {
            Err(Refused)
        }
    }
    #[module(providers = [Database])]
    struct StorageModule;
    #[module(imports = [StorageModule])]
    struct Root;

    let error = failure_of(Root).await;
    assert_eq!(chain(&error), "`Database` of module `StorageModule` failed to start: connection refused");
    let StartError::Failed { module, service, source } = error else { panic!("{error}") };
    assert_eq!((module, service), ("StorageModule", "Database"));
    assert!(source.is::<Refused>(), "the cause keeps its type");
}

#[tokio::test(start_paused = true)]
async fn so_does_one_of_a_constructor_that_waits() {
    #[injectable]
    async fn pool() -> Result<Vec<u8>, Refused> {
        work(10).await;
        Err(Refused)
    }
    #[module(providers = [pool])]
    struct StorageModule;

    let error = failure_of(StorageModule).await;
    assert_eq!(chain(&error), "`Vec<u8>` of module `StorageModule` failed to start: connection refused");
}

#[tokio::test(start_paused = true)]
async fn a_cause_keeps_its_own_causes() {
    #[derive(Debug)]
    struct Outer(Refused);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("no session")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    struct Session;
    #[injectable]
    impl Session {
        fn open() -> Result<Self> {
            Err(Outer(Refused).into())
        }
    }
    #[module(providers = [Session])]
    struct Root;

    let error = failure_of(Root).await;
    assert_eq!(chain(&error), "`Session` of module `Root` failed to start: no session: connection refused");
    assert_eq!(
        format!("{:#}", Error::new(error)),
        "`Session` of module `Root` failed to start: no session: connection refused"
    );
}

#[tokio::test(start_paused = true)]
async fn a_transient_that_fails_is_told_at_the_singleton_that_takes_it() {
    struct Query;
    #[injectable(transient)]
    impl Query {
        fn new() -> Result<Self> {
            Err(Error::new("no query"))
        }
    }
    struct Report;
    #[injectable]
    impl Report {
        fn new(_: Arc<Query>) -> Self {
            Self
        }
    }
    #[module(providers = [Query, Report])]
    struct Root;

    assert_eq!(chain(&failure_of(Root).await), "`Report` of module `Root` failed to start: no query");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_constructor_is_an_error_by_name() {
    struct Early;
    #[injectable]
    impl Early {
        fn new() -> Self {
            panic!("no {}", "socket")
        }
    }
    struct Late;
    #[injectable]
    impl Late {
        async fn new() -> Self {
            work(10).await;
            panic!("no disk")
        }
    }
    struct Silent;
    #[injectable]
    impl Silent {
        fn new() -> Self {
            std::panic::panic_any(7)
        }
    }
    #[module(providers = [Early])]
    struct First;
    #[module(providers = [Late])]
    struct Second;
    #[module(providers = [Silent])]
    struct Third;

    assert_eq!(failure_of(First).await.to_string(), "`Early` of module `First` panicked at start: no socket");
    assert_eq!(failure_of(Second).await.to_string(), "`Late` of module `Second` panicked at start: no disk");
    assert_eq!(
        failure_of(Third).await.to_string(),
        "`Silent` of module `Third` panicked at start: a panic without a text"
    );
}

/// Services that are noted when they are dropped.
macro_rules! noted {
    ($($name:ident)*) => {
        $(
            impl Drop for $name {
                fn drop(&mut self) {
                    self.journal.note(concat!("drop ", stringify!($name)));
                }
            }
        )*
    };
}

#[injectable]
struct Base {
    journal: Arc<Journal>,
}
#[injectable]
struct Middle {
    journal: Arc<Journal>,
    _base: Arc<Base>,
}
#[injectable]
struct Top {
    journal: Arc<Journal>,
    _base: Arc<Base>,
    _middle: Arc<Middle>,
}
noted! { Base Middle Top }

/// Fails after all others are there.
struct Failing;
#[injectable]
impl Failing {
    async fn new(journal: Arc<Journal>, _: Arc<Top>) -> Result<Self> {
        work(10).await;
        journal.note("fail");
        Err(Error::new("as planned"))
    }
}

/// Needs what fails.
struct Never;
#[injectable]
impl Never {
    fn new(journal: Arc<Journal>, _: Arc<Failing>) -> Self {
        journal.note("never");
        Self
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_built_before_a_failure_is_dropped_dependents_first() {
    #[module(providers = [Never, Base, Middle, Top, Failing])]
    struct Root {
        #[provide]
        journal: Journal,
    }

    let journal = Journal::default();
    let error = failure_of(Root { journal: journal.clone() }).await;
    assert_eq!(chain(&error), "`Failing` of module `Root` failed to start: as planned");
    assert_eq!(journal.lines(), ["fail", "drop Top", "drop Middle", "drop Base"]);
}

#[tokio::test(start_paused = true)]
async fn what_still_waits_when_another_fails_is_cancelled() {
    struct Guard(Arc<Journal>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.note("cancelled");
        }
    }
    struct Waiting;
    #[injectable]
    impl Waiting {
        async fn new(journal: Arc<Journal>) -> Self {
            let guard = Guard(journal);
            work(1000).await;
            guard.0.note("waited");
            Self
        }
    }
    #[module(providers = [Base, Middle, Top, Failing, Waiting])]
    struct Root {
        #[provide]
        journal: Journal,
    }

    let journal = Journal::default();
    let begun = tokio::time::Instant::now();
    failure_of(Root { journal: journal.clone() }).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(10));
    let lines = journal.lines();
    assert!(lines.contains(&"cancelled".to_owned()) && lines.contains(&"drop Base".to_owned()), "{lines:?}");
    assert_eq!(lines.len(), 5, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_named_at_the_deadline_and_what_was_built_is_dropped() {
    struct Hanging;
    #[injectable]
    impl Hanging {
        async fn new(_: Arc<Top>) -> Self {
            std::future::pending().await
        }
    }
    #[injectable]
    async fn pool(_: Arc<Base>) -> Vec<u8> {
        work(60_000).await;
        Vec::new()
    }
    #[module(providers = [Base, Middle, Top], exports = [Top, Base])]
    struct StorageModule {
        #[provide]
        journal: Journal,
    }
    #[module(imports = [StorageModule { journal: self.journal.clone() }::{Top, Base}], providers = [Hanging, pool])]
    struct Root {
        journal: Journal,
    }

    let journal = Journal::default();
    let begun = tokio::time::Instant::now();
    let app = App::new(Root { journal: journal.clone() }).start_deadline(Duration::from_secs(5));
    let error = app.start().await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert_eq!(
        error.to_string(),
        "not started after 5s: still waiting for `Hanging` of module `Root`, `Vec<u8>` of module `Root`"
    );
    assert_eq!(journal.lines(), ["drop Top", "drop Middle", "drop Base"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_has_a_minute_unless_told_otherwise() {
    struct Hanging;
    #[injectable]
    impl Hanging {
        async fn new() -> Self {
            std::future::pending().await
        }
    }
    #[module(providers = [Hanging])]
    struct Root;

    let error = failure_of(Root).await;
    assert_eq!(error.to_string(), "not started after 60s: still waiting for `Hanging` of module `Root`");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_dropped_drops_what_was_built() {
    #[module(providers = [Base, Middle, Top, Failing])]
    struct Root {
        #[provide]
        journal: Journal,
    }

    let journal = Journal::default();
    {
        let mut start = std::pin::pin!(App::new(Root { journal: journal.clone() }).start());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(start.as_mut().poll(&mut cx).is_pending());
        assert!(journal.lines().is_empty());
    }
    assert_eq!(journal.lines(), ["drop Top", "drop Middle", "drop Base"]);
}
