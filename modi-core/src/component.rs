//! What an application hosts besides services: things that start, drain and close. The broker layer is one.

use crate::Result;
use crate::graph::{AnyArc, HandlerNode};
use crate::life::Stop;
use crate::link::Modules;
use crate::scope::ScopePlan;
use async_trait::async_trait;
use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Something that runs as long as the application does.
///
/// The application calls it: `check` before any constructor, `start` after every `on_start` hook, `drain` before any
/// `on_stop` hook, `close` after the last. A component that was not started is not drained, but closed. A panic is an
/// error like any other.
#[async_trait]
pub trait Component: Send {
    /// What log lines and errors call it.
    fn name(&self) -> String;

    /// Whether it makes handlers run. An application that has handlers and nothing that runs them does not
    /// [`run`](crate::App::run).
    fn takes_handlers(&self) -> bool {
        false
    }

    /// Looks for mistakes of the configuration. Nothing was built, and nothing is to be opened.
    ///
    /// # Errors
    ///
    /// Every mistake at once. Stops the start of the application.
    fn check(&self, _application: &str, _handlers: &[Declared]) -> Result {
        Ok(())
    }

    /// Begins its work and returns once it is ready.
    ///
    /// # Errors
    ///
    /// Stops the start of the application.
    async fn start(&mut self, host: &Host) -> Result;

    /// Takes nothing new, and finishes what runs; after `within` it gives back what is left.
    ///
    /// # Errors
    ///
    /// Reported, and the stop goes on.
    async fn drain(&mut self, within: Duration) -> Result;

    /// Lets go of its connections.
    ///
    /// # Errors
    ///
    /// Reported, and the stop goes on.
    async fn close(&mut self) -> Result;
}

/// The application as its components see it.
#[derive(Clone)]
pub struct Host {
    pub(crate) modules: Modules,
    pub(crate) lives: Arc<[AnyArc]>,
    pub(crate) stop: Stop,
    pub(crate) name: OnceLock<String>,
}

/// A handler of an application that is not built yet.
#[derive(Clone, Copy)]
pub struct Declared {
    /// The module that lists it.
    pub module: &'static str,
    /// The handler.
    pub node: &'static HandlerNode,
}

/// A handler of a running application.
#[derive(Clone)]
pub struct Mounted {
    /// The module that lists it.
    pub module: &'static str,
    /// That module, running.
    pub live: AnyArc,
    /// The handler.
    pub node: &'static HandlerNode,
}

impl Host {
    /// The application's name: as given, or that of the executable file.
    pub fn name(&self) -> &str {
        self.name.get_or_init(executable)
    }

    /// The one way to stop.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The handlers of all modules: imports first, then in the order of `subscribers`.
    pub fn handlers(&self) -> impl Iterator<Item = Mounted> + '_ {
        self.modules.linked.iter().zip(self.lives.iter()).flat_map(|(linked, live)| {
            linked.handlers().map(|Declared { module, node }| Mounted { module, live: live.clone(), node })
        })
    }

    /// What [`App::extend`](crate::App::extend) gave the application.
    pub fn extension<T: Any>(&self) -> Option<&T> {
        self.modules.space.extensions.get()
    }

    /// Which scoped services an attempt of a handler needs, and what stands around it.
    pub fn plan(&self, handler: &HandlerNode) -> ScopePlan {
        self.modules.plan(&self.lives, handler.needs())
    }
}

pub(crate) fn executable() -> String {
    let path = std::env::current_exe().ok();
    let stem = path.as_deref().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| "modi".to_owned())
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({})", self.name())
    }
}
impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.module, self.node.name)
    }
}
impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.module, self.node.name)
    }
}
