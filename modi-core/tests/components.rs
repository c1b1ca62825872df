//! What an application hosts besides services, with a module that is written by hand.

#![cfg(test)]

mod orders {
    include!("common/orders.rs");
}

use async_trait::async_trait;
use modi_core::{App, Component, Declared, Error, Host, Overrides, Result, StartError};
use orders::{OrderModule, Orders};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Writes down what is asked of it.
struct Recorder {
    name: &'static str,
    journal: Arc<Mutex<Vec<String>>>,
    fails: &'static str,
}

impl Recorder {
    async fn note(&self, what: &str) -> Result {
        self.journal.lock().unwrap().push(format!("{what} {}", self.name));
        match self.fails.strip_prefix(what) {
            Some("") => Err(Error::new(format!("{} cannot {what}", self.name))),
            Some(" hangs") => std::future::pending().await,
            Some(" panics") => panic!("{} is broken", self.name),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Component for Recorder {
    fn name(&self) -> String {
        format!("the {}", self.name)
    }

    fn check(&self, application: &str, handlers: &[Declared]) -> Result {
        assert_eq!((application, handlers.len()), ("orders", 0));
        match self.fails {
            "check" => Err(Error::new(format!("{} is not configured", self.name))),
            "check panics" => panic!("{} is broken", self.name),
            _ => Ok(()),
        }
    }

    async fn start(&mut self, host: &Host) -> Result {
        assert_eq!(host.name(), "orders");
        self.note("start").await
    }

    async fn drain(&mut self, within: Duration) -> Result {
        assert_eq!(within, Duration::from_secs(20));
        self.note("drain").await
    }

    async fn close(&mut self) -> Result {
        self.note("close").await
    }
}

/// An application with two components, and what they write down.
fn app(fails: [&'static str; 2]) -> (App<OrderModule>, Arc<Mutex<Vec<String>>>) {
    let journal = Arc::new(Mutex::new(Vec::new()));
    let recorder = |name, fails| Recorder { name, journal: journal.clone(), fails };
    let app = App::new(OrderModule)
        .name("orders")
        .component(recorder("broker", fails[0]))
        .component(recorder("server", fails[1]));
    (app, journal)
}

fn chain(error: StartError) -> String {
    format!("{:#}", Error::new(error))
}

#[tokio::test]
async fn components_are_started_drained_and_closed() {
    let (app, journal) = app(["", ""]);
    let app = app.start().await.unwrap();
    app.get::<Orders>().place();
    assert_eq!(app.get::<Orders>().count(), 1);
    app.stop().await.unwrap();
    assert_eq!(
        *journal.lock().unwrap(),
        ["start broker", "start server", "drain broker", "drain server", "close broker", "close server"]
    );
}

#[tokio::test]
async fn a_component_that_cannot_start_is_named_and_all_are_closed() {
    let (app, journal) = app(["start", ""]);
    let error = app.start().await.unwrap_err();
    assert_eq!(chain(error), "the broker failed to start: broker cannot start");
    assert_eq!(*journal.lock().unwrap(), ["start broker", "drain broker", "close broker", "close server"]);
}

#[tokio::test]
async fn a_component_checks_before_anything_is_started() {
    let (app, journal) = app(["", "check"]);
    assert_eq!(chain(app.start().await.unwrap_err()), "the server failed to start: server is not configured");
    assert!(journal.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_panic_of_a_component_is_reported_and_the_others_are_drained_and_closed() {
    let told = async |fails| chain(app(fails).0.start().await.unwrap_err());
    assert_eq!(told(["check panics", ""]).await, "the broker failed to start: panicked: broker is broken");

    let (starting, journal) = app(["", "start panics"]);
    let error = starting.start().await.unwrap_err();
    assert_eq!(chain(error), "the server failed to start: panicked: server is broken");
    let after = ["drain broker", "drain server", "close broker", "close server"];
    assert_eq!(journal.lock().unwrap()[2..], after);

    for (fails, text) in [
        (["drain panics", ""], "the broker while draining: panicked: broker is broken"),
        (["close panics", ""], "the broker while closing: panicked: broker is broken"),
    ] {
        let (app, journal) = app(fails);
        let error = app.start().await.unwrap().stop().await.unwrap_err();
        assert_eq!(format!("{error:#}"), text);
        assert_eq!(journal.lock().unwrap()[2..], after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_component_that_hangs_is_named_at_the_deadline() {
    let (app, journal) = app(["", "start hangs"]);
    let error = app.start().await.unwrap_err();
    assert_eq!(chain(error), "not started after 60s: still waiting for the server");
    assert_eq!(journal.lock().unwrap().last().unwrap(), "close server");
}

#[tokio::test]
async fn the_first_error_of_a_stop_is_told_and_the_stop_goes_on() {
    let (app, journal) = app(["drain", "close"]);
    let error = app.start().await.unwrap().stop().await.unwrap_err();
    assert_eq!(format!("{error:#}"), "the broker while draining: broker cannot drain");
    assert_eq!(journal.lock().unwrap().len(), 6);
}

#[tokio::test]
async fn an_application_is_started_and_run_by_any_task() {
    let (app, _) = app(["", ""]);
    let running = tokio::spawn(app.start()).await.unwrap().unwrap();
    running.stop().await.unwrap();

    let (app, journal) = self::app(["", ""]);
    let stop = app.stop_handle();
    let run = tokio::spawn(app.run());
    stop.stop();
    run.await.unwrap().unwrap();
    assert!(journal.lock().unwrap().is_empty(), "stopped before it was polled");
}

#[tokio::test]
async fn a_service_is_replaced_without_a_macro() {
    let fake = Arc::new(Orders::default());
    fake.place();
    let (app, _) = app(["", ""]);
    let app = app.overrides(Overrides::new().replace::<Orders>(fake.clone())).start().await.unwrap();
    assert!(Arc::ptr_eq(app.get::<Orders>(), &fake));
    assert_eq!(app.get::<Orders>().count(), 1);
}
