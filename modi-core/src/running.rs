//! An application that runs: its services, its scopes, and how it stops.

use crate::component::{Component, Host};
use crate::graph::Graph;
use crate::life::Stop;
use crate::module::{Live, Lives, Module, Provides, Singleton};
use crate::provide::How;
use crate::scope::{Completion, Resolver, Scope, panic_text};
use crate::start::{Hooked, StartError, panicked};
use crate::{Edge, Error, Result};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
    pub(crate) fn new(
        live: Arc<Live<M>>,
        host: Host,
        components: Vec<Box<dyn Component>>,
        drain_deadline: Duration,
    ) -> Self {
        let components = Mutex::new(components);
        Self { live, host, starting: String::new(), started: Vec::new(), components, drained_from: 0, drain_deadline }
    }

    /// Runs the hooks and starts the components. Where one fails, what was started is stopped again.
    pub(crate) async fn begin(
        mut self,
        hooked: Vec<Hooked>,
        left: Duration,
        deadline: Duration,
    ) -> Result<Self, StartError> {
        match self.try_begin(hooked, left, deadline).await {
            Ok(()) => Ok(self),
            Err(error) => {
                // The first error is the one to report; `end` logs what else fails.
                let _logged = self.end().await;
                Err(error)
            }
        }
    }

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

    async fn try_begin(&mut self, hooked: Vec<Hooked>, left: Duration, deadline: Duration) -> Result<(), StartError> {
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
            caught(component.start(&self.host))
                .await
                .map_err(|source| StartError::Component { name: component.name(), source: source.into() })?;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result {
        let mut first = Ok(());
        for component in owned(&mut self.components).iter_mut().take(self.drained_from) {
            let drained = caught(component.drain(self.drain_deadline)).await;
            keep_first(&mut first, drained, || format!("{} while draining", component.name()));
        }
        while let Some(Hooked { module, service, of, stop, .. }) = self.started.pop() {
            let Some(stop) = stop else { continue };
            let stopped = match tokio::time::timeout(self.drain_deadline, caught(async { stop(&of).await })).await {
                Ok(stopped) => stopped,
                Err(_elapsed) => Err(Error::new(format!("not stopped after {:?}", self.drain_deadline))),
            };
            keep_first(&mut first, stopped, || format!("`{service}` of module `{module}` in `on_stop`"));
        }
        for component in owned(&mut self.components) {
            let closed = caught(component.close()).await;
            keep_first(&mut first, closed, || format!("{} while closing", component.name()));
        }
        first
    }
}

fn owned<T>(lock: &mut Mutex<T>) -> &mut T {
    lock.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// A panic is an error like any other: what comes after it still runs.
async fn caught(work: impl Future<Output = Result>) -> Result {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)))
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
        let Host { modules, lives, .. } = &self.app.host;
        let mut plan = modules.plan(lives, [&edge]);
        plan.steps.retain(|step| self.scope.kept(step.id).is_none());
        self.scope.open(&plan).await?;
        M::How::take(&self.app.resolver(&self.scope, "scope"))
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
