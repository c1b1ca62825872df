//! From a root module to built services: link the modules, build along the graph, seal what was built.

mod builder;

use crate::component::{Component, Declared, executable};
use crate::graph::{AnyArc, Hook};
use crate::link::{Linked, Linker, Modules, Plan, Sealing, Space};
use crate::module::{Lives, Module};
use crate::overrides::Overrides;
use crate::scope::panic_text;
use crate::{Error, Result};
use builder::Builder;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Why an application did not start. What had been started is stopped by the time this is returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The modules' values or the overrides do not fit together; every problem is listed.
    #[error("the modules do not fit together:{}", lines(.0))]
    Plan(Vec<String>),
    /// A constructor or an `on_start` hook returned an error.
    #[error("`{service}` of module `{module}` failed to start")]
    Failed {
        /// The owner's name.
        module: &'static str,
        /// The entry in its `providers`.
        service: &'static str,
        /// The error.
        #[source]
        source: crate::BoxError,
    },
    /// A constructor or an `on_start` hook panicked.
    #[error("`{service}` of module `{module}` panicked at start: {message}")]
    Panicked {
        /// The owner's name.
        module: &'static str,
        /// The entry in its `providers`.
        service: &'static str,
        /// What the panic said.
        message: String,
    },
    /// A component could not start.
    #[error("{name} failed to start")]
    Component {
        /// The component.
        name: String,
        /// The error.
        #[source]
        source: crate::BoxError,
    },
    /// The start-up deadline passed.
    #[error("not started after {after:?}: still waiting for {}", pending.join(", "))]
    Deadline {
        /// The deadline.
        after: Duration,
        /// What was still being built or started.
        pending: Vec<String>,
    },
    /// An injected fake closed a cycle that the compiler could not see; every such cycle is listed.
    #[error("an injected fake closes a cycle:{}", lines(.0))]
    Cycle(Vec<String>),
    /// The application was told to stop before it had started.
    #[error("stopped while it was starting")]
    Stopped,
}

fn lines(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

/// What is checked before any constructor runs.
pub(crate) struct Checks<'a> {
    pub(crate) name: &'a OnceLock<String>,
    pub(crate) components: &'a [Box<dyn Component>],
    /// An application may have no handlers if nothing would run them, since they would wait in silence.
    pub(crate) needs_server: bool,
}

impl Checks<'_> {
    fn run(&self, linked: &[Linked]) -> Result<(), StartError> {
        let handlers: Vec<Declared> = linked.iter().flat_map(Linked::handlers).collect();
        if self.needs_server && !handlers.is_empty() && !self.components.iter().any(|hosted| hosted.takes_handlers()) {
            let told = |Declared { module, node }: &Declared| {
                let handler = node.name;
                format!(
                    "nothing runs the handler `{handler}` of module `{module}`: give the application a broker, \
                     `.broker(..)`"
                )
            };
            return Err(StartError::Plan(handlers.iter().map(told).collect()));
        }
        for hosted in self.components {
            let checked = catch_unwind(AssertUnwindSafe(|| hosted.check(self.name.get_or_init(executable), &handlers)));
            checked
                .unwrap_or_else(|panic| Err(panicked(&*panic)))
                .map_err(|source| StartError::Component { name: hosted.name(), source: source.into() })?;
        }
        Ok(())
    }
}

/// The panic of a component or a hook as an error.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Error {
    Error::new(format!("panicked: {}", panic_text(panic)))
}

/// Modules that are linked, and hold nothing yet but their own values.
pub(crate) struct Opened {
    modules: Modules,
    lives: Lives,
    sealing: Sealing,
}

/// Opens the modules, and checks what can be checked before anything is built.
pub(crate) fn open<M: Module>(root: M, space: Space, checks: &Checks<'_>) -> Result<Opened, StartError> {
    let mut plan = Plan::default();
    plan.give("the application", root);
    let problems = plan.problems();
    if !problems.is_empty() {
        return Err(StartError::Plan(problems));
    }
    let space = Arc::new(space);
    let (linked, lives, sealing) = plan.open(&space);
    checks.run(&linked)?;
    Ok(Opened { modules: Modules { linked: linked.into(), space }, lives, sealing })
}

/// Builds every service and links what was built. Dropping it drops what was built.
pub(crate) async fn build<M: Module>(
    opened: Opened,
    overrides: Overrides<M>,
    deadline: Duration,
) -> Result<Built<M>, StartError> {
    let Opened { modules, lives, sealing } = opened;
    let mut builder = Builder::new(modules, lives, overrides.list)?;
    builder.run(deadline).await?;
    let Builder { modules, lives, hooked, fakes, .. } = builder;
    let linker = Linker::seal(lives, &sealing);
    let (Some(live), Some(root)) = (linker.module::<M>(), linker.lives.last()) else {
        return Err(StartError::Plan(vec!["the root module is not linked".to_owned()]));
    };
    modules.space.run(root);
    let hooked = hooked.into_iter().map(|id| {
        let (at, linked, node) = modules.node(id);
        let (of, start, stop) = match fakes.get(&id) {
            Some((own, fake)) => (own, fake.start, fake.stop),
            None => (&linker.lives[at], node.start, node.stop),
        };
        Hooked { module: linked.name, service: node.name, of: of.clone(), start, stop }
    });
    Ok(Built { live, hooked: hooked.collect(), lives: linker.lives.into(), modules })
}

pub(crate) struct Built<M: Module> {
    pub(crate) live: Arc<crate::module::Live<M>>,
    pub(crate) modules: Modules,
    pub(crate) lives: Arc<[AnyArc]>,
    /// The singletons with hooks, in the order in which they were ready.
    pub(crate) hooked: Vec<Hooked>,
}

/// A singleton with hooks.
pub(crate) struct Hooked {
    pub(crate) module: &'static str,
    pub(crate) service: &'static str,
    /// What they are called on: the module, or an injected fake.
    pub(crate) of: AnyArc,
    pub(crate) start: Option<Hook>,
    pub(crate) stop: Option<Hook>,
}
