//! The one way to stop: before the start, during it, and while the application runs.

use crate::support::{Journal, chain};
use modi::{App, Error, Lifecycle, Result, StartError, Stop, injectable, module};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// Where the application hangs until it is stopped.
#[derive(Clone, Copy, PartialEq)]
enum Hang {
    Nowhere,
    Constructor,
    Hook,
}

#[derive(Clone)]
struct Script {
    journal: Journal,
    hang: Hang,
    /// Told as soon as it hangs.
    hanging: Arc<Notify>,
}

impl Script {
    async fn hang(&self, here: Hang) {
        if self.hang == here {
            self.hanging.notify_one();
            std::future::pending().await
        }
    }
}

#[injectable(lifecycle)]
struct Base {
    script: Arc<Script>,
}

impl Lifecycle for Base {
    async fn on_start(&self) -> Result {
        self.script.journal.note("start Base");
        Ok(())
    }

    async fn on_stop(&self) -> Result {
        self.script.journal.note("stop Base");
        Ok(())
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        self.script.journal.note("drop Base");
    }
}

struct Service {
    base: Arc<Base>,
}

#[injectable(lifecycle)]
impl Service {
    async fn new(base: Arc<Base>) -> Self {
        base.script.journal.note("build Service");
        base.script.hang(Hang::Constructor).await;
        Self { base }
    }
}

impl Lifecycle for Service {
    async fn on_start(&self) -> Result {
        self.base.script.journal.note("start Service");
        self.base.script.hang(Hang::Hook).await;
        Ok(())
    }

    async fn on_stop(&self) -> Result {
        self.base.script.journal.note("stop Service");
        Ok(())
    }
}

#[module(providers = [Base, Service])]
struct Root {
    #[provide]
    script: Script,
}

fn app(hang: Hang) -> (App<Root>, Script) {
    let script = Script { journal: Journal::default(), hang, hanging: Arc::new(Notify::new()) };
    (App::new(Root { script: script.clone() }), script)
}

/// What happens to an application that is stopped as soon as it hangs.
async fn stopped_where_it_hangs(hang: Hang) -> (StartError, Vec<String>) {
    let (app, script) = app(hang);
    let stop = app.stop_handle();
    let stopper = async {
        script.hanging.notified().await;
        stop.stop();
    };
    let (outcome, ()) = tokio::join!(app.start(), stopper);
    (outcome.unwrap_err(), script.journal.lines())
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_start_builds_nothing() {
    let (app, script) = app(Hang::Nowhere);
    app.stop_handle().stop();
    let error = app.start().await.unwrap_err();
    assert_eq!(error.to_string(), "stopped while it was starting");
    assert!(script.journal.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_a_constructor_drops_what_was_built() {
    let (error, lines) = stopped_where_it_hangs(Hang::Constructor).await;
    assert!(matches!(error, StartError::Stopped));
    assert_eq!(lines, ["build Service", "drop Base"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_a_hook_stops_what_was_started() {
    let (error, lines) = stopped_where_it_hangs(Hang::Hook).await;
    assert!(matches!(error, StartError::Stopped));
    assert_eq!(lines, ["build Service", "start Base", "start Service", "stop Base", "drop Base"]);
}

#[tokio::test(start_paused = true)]
async fn run_goes_on_until_it_is_told_to_stop() {
    let (app, script) = app(Hang::Nowhere);
    let stop = app.stop_handle();
    let mut run = std::pin::pin!(app.run());
    tokio::select! {
        biased;
        outcome = &mut run => panic!("it ended by itself: {outcome:?}"),
        () = std::future::ready(()) => {}
    }
    assert!(!stop.is_stopped());
    assert_eq!(script.journal.lines(), ["build Service", "start Base", "start Service"]);
    stop.stop();
    assert!(run.await.is_ok());
    assert_eq!(script.journal.lines(), ["stop Service", "stop Base", "drop Base"]);
}

#[tokio::test(start_paused = true)]
async fn run_of_an_application_that_is_stopped_while_it_starts_is_no_error() {
    let (app, script) = app(Hang::Hook);
    let stop = app.stop_handle();
    let stopper = async {
        script.hanging.notified().await;
        stop.stop();
    };
    let (outcome, ()) = tokio::join!(app.run(), stopper);
    assert!(outcome.is_ok());
    assert_eq!(script.journal.lines()[3..], ["stop Base", "drop Base"]);
}

#[tokio::test(start_paused = true)]
async fn run_returns_the_first_error_that_it_is_stopped_for() {
    let (app, _) = app(Hang::Nowhere);
    let stop = app.stop_handle();
    stop.fail(Error::new("disk full"));
    stop.fail(Error::new("disk on fire"));
    assert_eq!(app.run().await.unwrap_err().to_string(), "disk full");
}

#[tokio::test(start_paused = true)]
async fn a_running_application_returns_the_error_that_it_failed_for() {
    let (app, script) = app(Hang::Nowhere);
    let app = app.start().await.unwrap();
    let stop = app.stop_handle();
    stop.fail(Error::new("disk full"));
    stop.stopped().await;
    assert_eq!(app.stop().await.unwrap_err().to_string(), "disk full");
    assert_eq!(script.journal.lines()[3..], ["stop Service", "stop Base", "drop Base"]);
}

/// A hook may stop the application: the start goes no further.
#[tokio::test(start_paused = true)]
async fn a_hook_that_asks_for_the_stop_is_the_last_one() {
    #[derive(Clone, Default)]
    struct Handle(Arc<OnceLock<Stop>>);
    #[injectable(lifecycle)]
    struct Check {
        handle: Arc<Handle>,
        base: Arc<Base>,
    }
    impl Lifecycle for Check {
        async fn on_start(&self) -> Result {
            self.base.script.journal.note("start Check");
            self.handle.0.wait().fail(Error::new("licence expired"));
            tokio::task::yield_now().await;
            Ok(())
        }
    }
    struct After;
    #[injectable(lifecycle)]
    impl After {
        fn new(_: Arc<Check>) -> Self {
            Self
        }
    }
    impl Lifecycle for After {
        async fn on_start(&self) -> Result {
            panic!("not reached")
        }
    }
    #[module(providers = [Base, Check, After])]
    struct Checked {
        #[provide]
        script: Script,
        #[provide]
        handle: Handle,
    }

    let (_, script) = app(Hang::Nowhere);
    let handle = Handle::default();
    let app = App::new(Checked { script: script.clone(), handle: handle.clone() });
    handle.0.set(app.stop_handle()).unwrap();
    assert_eq!(app.run().await.unwrap_err().to_string(), "licence expired");
    assert_eq!(script.journal.lines(), ["start Base", "start Check", "stop Base", "drop Base"]);
}

#[tokio::test(start_paused = true)]
async fn run_reports_a_start_that_fails() {
    struct Broken;
    #[injectable]
    impl Broken {
        fn new() -> Result<Self> {
            Err(Error::new("no key"))
        }
    }
    #[module(providers = [Broken])]
    struct Root;

    let error = App::new(Root).run().await.unwrap_err();
    assert_eq!(format!("{error:#}"), "`Broken` of module `Root` failed to start: no key");
    assert_eq!(chain(error.get_ref()), format!("{error:#}"));
}
