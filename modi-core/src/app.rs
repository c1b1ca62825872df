//! An application: built from a root module, running, stopped.

use crate::component::{Component, Host};
use crate::graph::Graph;
use crate::life::{Signals, Stop};
use crate::link::{Extensions, Space};
use crate::module::{Live, Lives, Module, Provides, Singleton};
use crate::overrides::Overrides;
use crate::provide::How;
use crate::scope::{Completion, Resolver, Scope, panic_text};
use crate::start::{Built, Handlers, Hooked, StartError, build};
use crate::{Edge, Error, Result};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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

    /// Gives the application a value that [`Resolver::extension`] finds by its type.
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

    /// Builds every service, runs the hooks and starts the components.
    ///
    /// # Errors
    ///
    /// [`StartError`], once what was started is stopped again.
    pub async fn start(self) -> Result<RunningApp<M>, StartError> {
        self.start_as(Handlers::May).await
    }

    async fn start_as(self, handlers: Handlers) -> Result<RunningApp<M>, StartError> {
        let Self { root, name, overrides, extensions, components, start_deadline, drain_deadline, stop } = self;
        let overridden = overrides.list.iter().map(|item| item.key.name).collect();
        let begun = tokio::time::Instant::now();
        if stop.is_stopped() {
            return Err(StartError::Stopped);
        }
        let Built { live, modules, lives, hooked } = {
            let space = Space::new(extensions, overridden);
            let building = pin!(build(root, space, overrides, handlers, start_deadline));
            match select(building, pin!(stop.stopped())).await {
                Either::Left((built, _)) => built?,
                Either::Right(_) => return Err(StartError::Stopped),
            }
        };
        let host = Host { modules, lives, stop, name };
        let components = Mutex::new(components);
        let (starting, started) = (String::new(), Vec::new());
        let mut app = RunningApp { live, host, starting, started, components, drained_from: 0, drain_deadline };
        let left = start_deadline.saturating_sub(begun.elapsed());
        match app.begin(hooked, left, start_deadline).await {
            Ok(()) => Ok(app),
            Err(error) => {
                // The first error is the one to report; `stop` logs what else fails.
                let _reported = app.end().await;
                Err(error)
            }
        }
    }

    /// Runs until a signal, a request to stop or a fatal error; then drains.
    ///
    /// A second signal ends it at once, without draining.
    ///
    /// # Errors
    ///
    /// The first error: of the start, of a component, of the drain. A signal alone is no error.
    pub async fn run(self) -> Result {
        let stop = self.stop.clone();
        let mut signals = Signals::new()?;
        let watch = async {
            let first = signals.next().await;
            tracing::info!(signal = first, "stopping");
            stop.stop();
            signals.next().await
        };
        let served = self.components.iter().any(|component| component.takes_handlers());
        let life = async {
            match self.start_as(if served { Handlers::May } else { Handlers::MayNot }).await {
                Ok(app) => {
                    stop.stopped().await;
                    app.stop().await
                }
                Err(StartError::Stopped) => stop.outcome(),
                Err(error) => Err(error.into()),
            }
        };
        match select(pin!(life), pin!(watch)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right((signal, _)) => {
                Err(Error::new(format!("ended without draining by a second signal ({signal})")))
            }
        }
    }
}

/// An application that runs. Dropping it drops its services without running `on_stop`.
pub struct RunningApp<M: Module> {
    live: Arc<Live<M>>,
    host: Host,
    /// Whose start is waited for.
    starting: String,
    started: Vec<Hooked>,
    /// In a lock so that tasks can share the application. Nobody locks it: who starts and stops owns it.
    components: Mutex<Vec<Box<dyn Component>>>,
    /// How many components were started.
    drained_from: usize,
    drain_deadline: Duration,
}

impl<M: Module> RunningApp<M> {
    /// Borrows a singleton of the root module, own or imported.
    ///
    /// # Panics
    ///
    /// For a service that only overridden providers needed, and which was therefore not built. The compiler finds every
    /// other mistake.
    #[inline(always)]
    #[track_caller]
    pub fn get<T: ?Sized + 'static>(&self) -> &Arc<T>
    where
        M: Singleton<T>,
    {
        self.live.get()
    }

    /// Takes services of any lifetime from one scope, which is completed at the end.
    ///
    /// A panic of the closure goes on once the scope is completed.
    ///
    /// # Errors
    ///
    /// The error of a constructor or of the closure, or else of a completion.
    pub async fn scope<R>(&self, work: impl AsyncFnOnce(&mut AppScope<'_, M>) -> Result<R>) -> Result<R> {
        let mut scope = AppScope { app: self, scope: Scope::new() };
        let done = AssertUnwindSafe(work(&mut scope)).catch_unwind().await;
        let panicked = done.as_ref().err().map(|panic| panic_text(&**panic));
        let completion = match (&done, &panicked) {
            (Ok(Ok(_)), _) => Completion::Success,
            (Ok(Err(error)), _) => Completion::Failed(error),
            (Err(_), text) => Completion::Panicked(text.as_deref().unwrap_or_default()),
        };
        let completed = scope.scope.complete(completion).await;
        if let (false, Err(error)) = (matches!(done, Ok(Ok(_))), &completed) {
            tracing::error!(error = format!("{error:#}"), "a scope that failed could not be completed either");
        }
        match done {
            Ok(Ok(done)) => completed.map(|()| done),
            Ok(Err(error)) => Err(error),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// What services are taken from, for layers that call functions with services. The scope must be open.
    pub fn resolver<'a>(&'a self, scope: &'a Scope, holder: &'static str) -> Resolver<'a, M> {
        Resolver { live: &self.live, lives: Lives::NONE, scope, holder }
    }

    /// The picture of the graph.
    pub fn graph(&self) -> Graph {
        Graph::of::<M>()
    }

    /// The application as its components see it.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The one way to stop.
    pub fn stop_handle(&self) -> Stop {
        self.host.stop.clone()
    }

    /// Drains the components, runs the `on_stop` hooks in reverse and closes the components.
    ///
    /// # Errors
    ///
    /// What the application failed for, or else the first error on the way. The rest is logged, and the stop goes on.
    pub async fn stop(mut self) -> Result {
        self.host.stop.stop();
        let ended = self.end().await;
        self.host.stop.outcome().and(ended)
    }

    async fn begin(&mut self, hooked: Vec<Hooked>, left: Duration, deadline: Duration) -> Result<(), StartError> {
        let stop = self.host.stop.clone();
        if stop.is_stopped() {
            return Err(StartError::Stopped);
        }
        let started = {
            let work = tokio::time::timeout(left, self.start_all(hooked));
            match select(pin!(work), pin!(stop.stopped())).await {
                Either::Right(_) => return Err(StartError::Stopped),
                Either::Left((started, _)) => started,
            }
        };
        started.unwrap_or_else(|_elapsed| {
            let pending = vec![std::mem::take(&mut self.starting)];
            Err(StartError::Deadline { after: deadline, pending })
        })
    }

    async fn start_all(&mut self, hooked: Vec<Hooked>) -> Result<(), StartError> {
        for hooked in hooked {
            let Hooked { module, service, .. } = hooked;
            if let Some(start) = hooked.start {
                self.starting = format!("`{service}` of module `{module}`");
                match AssertUnwindSafe(async { start(&hooked.of).await }).catch_unwind().await {
                    Ok(Ok(())) => {}
                    Ok(Err(source)) => {
                        return Err(StartError::Failed { module, service, source: source.into() });
                    }
                    Err(panic) => {
                        return Err(StartError::Panicked { module, service, message: panic_text(&*panic) });
                    }
                }
            }
            self.started.push(hooked);
        }
        for component in owned(&mut self.components) {
            self.starting = component.name();
            self.drained_from += 1;
            component
                .start(&self.host)
                .await
                .map_err(|source| StartError::Component { name: component.name(), source: source.into() })?;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result {
        let mut first = Ok(());
        for component in owned(&mut self.components).iter_mut().take(self.drained_from) {
            let drained = component.drain(self.drain_deadline).await;
            keep_first(&mut first, drained, || format!("{} while draining", component.name()));
        }
        while let Some(Hooked { module, service, of, stop, .. }) = self.started.pop() {
            let Some(stop) = stop else { continue };
            let hook = AssertUnwindSafe(async { stop(&of).await }).catch_unwind();
            let stopped = match tokio::time::timeout(self.drain_deadline, hook).await {
                Ok(Ok(stopped)) => stopped,
                Ok(Err(panic)) => Err(Error::new(panic_text(&*panic))),
                Err(_elapsed) => Err(Error::new(format!("not stopped after {:?}", self.drain_deadline))),
            };
            keep_first(&mut first, stopped, || format!("`{service}` of module `{module}` in `on_stop`"));
        }
        for component in owned(&mut self.components) {
            let closed = component.close().await;
            keep_first(&mut first, closed, || format!("{} while closing", component.name()));
        }
        first
    }
}

fn owned<T>(lock: &mut Mutex<T>) -> &mut T {
    lock.get_mut().unwrap_or_else(PoisonError::into_inner)
}

fn keep_first(first: &mut Result, next: Result, whose: impl FnOnce() -> String) {
    let Err(error) = next else { return };
    let whose = whose();
    tracing::error!(error = format!("{error:#}"), "{whose}");
    if first.is_ok() {
        *first = Err(Error::new(StopError { whose, source: error.into() }));
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{whose}")]
struct StopError {
    whose: String,
    #[source]
    source: crate::BoxError,
}

/// A scope opened by hand: see [`RunningApp::scope`].
pub struct AppScope<'a, M: Module> {
    app: &'a RunningApp<M>,
    scope: Scope,
}

impl<M: Module> AppScope<'_, M> {
    /// Takes a service of any lifetime.
    ///
    /// # Errors
    ///
    /// The error of its constructor, or of one that it needs.
    pub async fn get<T: ?Sized + 'static>(&mut self) -> Result<Arc<T>>
    where
        M: Provides<T>,
    {
        let edge = Edge { field: "scope", to: Some(M::How::KEY), lazy: false };
        let mut plan = self.app.host.plan(&[edge]);
        plan.steps.retain(|step| self.scope.kept(step.id).is_none());
        self.scope.open(&plan).await?;
        M::How::take(&self.app.resolver(&self.scope, "scope"))
    }
}

impl<M: Module> fmt::Debug for App<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "App({})", M::NAME)
    }
}
impl<M: Module> fmt::Debug for RunningApp<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunningApp({})", M::NAME)
    }
}
impl<M: Module> fmt::Debug for AppScope<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppScope({:?})", self.scope)
    }
}
