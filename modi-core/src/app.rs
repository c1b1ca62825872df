//! An application: built from a root module, running, stopped.

use crate::Result;
use crate::component::{Component, Host};
use crate::graph::Graph;
use crate::life::{Stop, stop_on_signals};
use crate::link::{Extensions, Space};
use crate::module::Module;
use crate::overrides::Overrides;
use crate::running::RunningApp;
use crate::start::{Built, Checks, StartError, build, open};
use futures_util::future::{Either, select};
use std::any::Any;
use std::fmt;
use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

/// An application that is not running yet.
///
/// ```
/// use modi_core::App;
/// # mod orders { include!("../tests/common/orders.rs"); }
/// # use orders::{Orders, OrderModule};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let app = App::new(OrderModule).start().await?;
/// assert_eq!(app.get::<Orders>().count(), 0);
/// app.stop().await
/// # }).unwrap();
/// ```
pub struct App<M> {
    root: M,
    name: OnceLock<String>,
    overrides: Overrides<M>,
    extensions: Extensions,
    components: Vec<Box<dyn Component>>,
    start_deadline: Duration,
    drain_deadline: Duration,
    stop: Stop,
}

impl<M: Module> App<M> {
    /// An application with `root` as its outermost module.
    pub fn new(root: M) -> Self {
        Self {
            root,
            name: OnceLock::new(),
            overrides: Overrides::new(),
            extensions: Extensions::default(),
            components: Vec::new(),
            start_deadline: Duration::from_secs(60),
            drain_deadline: Duration::from_secs(20),
            stop: Stop::default(),
        }
    }

    /// The application's name. By default that of the executable file.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: OnceLock::from(name.into()), ..self }
    }

    /// How long constructors and `on_start` hooks may take together. By default 60 seconds.
    #[must_use]
    pub fn start_deadline(self, start_deadline: Duration) -> Self {
        Self { start_deadline, ..self }
    }

    /// How long draining may take, and how long one `on_stop` hook may. By default 20 seconds.
    #[must_use]
    pub fn drain_deadline(self, drain_deadline: Duration) -> Self {
        Self { drain_deadline, ..self }
    }

    /// What tests put in the place of providers. Applications have no use for it.
    #[must_use]
    pub fn overrides(self, overrides: Overrides<M>) -> Self {
        Self { overrides, ..self }
    }

    /// Gives the application a value that [`Resolver::extension`](crate::Resolver::extension) finds by its type.
    #[must_use]
    pub fn extend<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    /// What an earlier [`App::extend`] gave.
    pub fn extension<T: Any>(&self) -> Option<&T> {
        self.extensions.get()
    }

    /// Hosts a component.
    #[must_use]
    pub fn component(mut self, component: impl Component + 'static) -> Self {
        self.components.push(Box::new(component));
        self
    }

    /// The picture of the graph. Nothing is built.
    pub fn graph(&self) -> Graph {
        Graph::of::<M>()
    }

    /// The handle that stops the application once it runs.
    pub fn stop_handle(&self) -> Stop {
        self.stop.clone()
    }

    /// Checks the configuration, builds every service, runs the hooks and starts the components.
    ///
    /// Without a broker the handlers of its modules do not run: a program may want the services alone.
    ///
    /// A constructor or hook that blocks its thread cannot be interrupted: the deadline's error comes when it returns.
    ///
    /// # Errors
    ///
    /// [`StartError`], once what was started is stopped again.
    pub async fn start(self) -> Result<RunningApp<M>, StartError> {
        self.start_as(false).await
    }

    async fn start_as(self, needs_server: bool) -> Result<RunningApp<M>, StartError> {
        let Self { root, name, overrides, extensions, components, start_deadline, drain_deadline, stop } = self;
        let overridden = overrides.list.iter().map(|item| item.key.name).collect();
        let begun = tokio::time::Instant::now();
        if stop.is_stopped() {
            return Err(StartError::Stopped);
        }
        let Built { live, modules, lives, hooked } = {
            let space = Space::new(extensions, overridden);
            let opened = open(root, space, &Checks { name: &name, components: &components, needs_server })?;
            let building = pin!(build(opened, overrides, start_deadline));
            match select(building, pin!(stop.stopped())).await {
                Either::Left((built, _)) => built?,
                Either::Right(_) => return Err(StartError::Stopped),
            }
        };
        if begun.elapsed() > start_deadline {
            let pending = vec!["a constructor that blocked its thread".to_owned()];
            return Err(StartError::Deadline { after: start_deadline, pending });
        }
        let app = RunningApp::new(live, Host { modules, lives, stop, name }, components, drain_deadline);
        app.begin(hooked, start_deadline.saturating_sub(begun.elapsed()), start_deadline).await
    }

    /// Runs until a signal, a request to stop or a fatal error; then drains.
    ///
    /// Handlers that nothing would run, because the application has no broker, are an error. A second signal ends the
    /// process at once, without draining and with exit code 130, also where a handler blocks its thread; so does any
    /// signal that comes after `run` has returned.
    ///
    /// # Errors
    ///
    /// The first error: of the start, of a component, of the drain. A signal alone is no error.
    pub async fn run(self) -> Result {
        let stop = self.stop.clone();
        let _listening = stop_on_signals(stop.clone())?;
        match self.start_as(true).await {
            Ok(app) => {
                stop.stopped().await;
                app.stop().await
            }
            Err(StartError::Stopped) => stop.outcome(),
            Err(error) => Err(error.into()),
        }
    }
}

impl<M: Module> fmt::Debug for App<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "App({})", M::NAME)
    }
}
