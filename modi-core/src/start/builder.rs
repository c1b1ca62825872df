//! Along the graph: a constructor starts when its last dependency is ready, side by side with the others.

use super::StartError;
use crate::graph::{AnyArc, Edge, Kind, Make, MakeOnce, Node};
use crate::link::{Linked, Modules};
use crate::module::Lives;
use crate::overrides::{Fake, MadeFake, Override, Replaced, With};
use crate::scope::{Scope, Site, Step, panic_text};
use crate::{Error, Result};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, future};
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Not begun, or never begun: handlers, scoped services, what is not needed.
    Idle,
    Running,
    Ready,
}

type Waiting = BoxFuture<'static, (usize, Result<Result<AnyArc>, String>)>;

pub(super) struct Builder {
    pub(super) modules: Modules,
    pub(super) lives: Lives,
    /// What tests replaced; empty otherwise, and then most of the work below is not done.
    replaced: HashMap<usize, With>,
    /// Fakes that were made, as themselves.
    pub(super) fakes: HashMap<usize, (AnyArc, Arc<Fake>)>,
    state: Vec<State>,
    pub(super) hooked: Vec<usize>,
    /// Constructors that wait; most applications have few.
    running: Option<FuturesUnordered<Waiting>>,
    /// In an order in which they could be built, were nothing running.
    blocked: Vec<usize>,
}

impl Builder {
    pub(super) fn new(modules: Modules, lives: Lives, overrides: Vec<Override>) -> Result<Self, StartError> {
        let nodes = modules.len();
        let mut builder = Self {
            modules,
            lives,
            replaced: HashMap::new(),
            fakes: HashMap::new(),
            state: vec![State::Idle; nodes],
            hooked: Vec::new(),
            running: None,
            blocked: Vec::new(),
        };
        if !overrides.is_empty() {
            builder.replace(overrides)?;
        }
        Ok(builder)
    }

    fn replace(&mut self, overrides: Vec<Override>) -> Result<(), StartError> {
        let mut problems = Vec::new();
        for Override { key, with } in overrides {
            let Some(id) = self.modules.id(&key) else {
                problems.push(format!(
                    "`{}` is overridden in module `{}`, which is not part of this application",
                    key.name, key.module
                ));
                continue;
            };
            if self.replaced.insert(id, with.clone()).is_some() {
                problems.push(format!("`{}` of module `{}` is overridden twice", key.name, key.module));
            }
            if let With::Value(value) = with {
                self.fill(id, &value);
            }
        }
        self.modules.space.replace(self.replaced.clone());
        let cycles = self.graph().cycles();
        problems.extend(self.graph().captives());
        match (problems.is_empty(), cycles.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => Err(StartError::Cycle(cycles)),
            (false, _) => Err(StartError::Plan(problems)),
        }
    }

    pub(super) async fn run(&mut self, deadline: Duration) -> Result<(), StartError> {
        let needed = if self.replaced.is_empty() { None } else { Some(self.needed()) };
        let linked = self.modules.linked.clone();
        for (module, linked) in linked.iter().enumerate() {
            let built = self.build_in_order(module, linked)?;
            for &at in &linked.order[built..] {
                let (id, node) = (linked.base + at, &linked.graph[at]);
                let Make::Once(make) = node.make else { continue };
                if self.state[id] == State::Ready || needed.as_ref().is_some_and(|needed| !needed[id]) {
                    continue;
                }
                if self.can_begin(id) {
                    self.begin(id, module, node, make)?;
                } else {
                    self.blocked.push(id);
                }
            }
        }
        if self.is_running() || !self.blocked.is_empty() {
            self.wait(deadline).await?;
        }
        Ok(())
    }

    /// As long as nothing waits and nothing is replaced, whatever comes earlier in the order is ready: no edge is looked
    /// at. Gives how far it came.
    fn build_in_order(&mut self, module: usize, linked: &Linked) -> Result<usize, StartError> {
        if !self.replaced.is_empty() || self.is_running() {
            return Ok(0);
        }
        for (place, &at) in linked.order.iter().enumerate() {
            let (id, node) = (linked.base + at, &linked.graph[at]);
            let Make::Once(make) = node.make else { continue };
            match catch_unwind(AssertUnwindSafe(|| make(&mut self.lives, module, None))) {
                Ok(Ok(Step::Done)) => self.is_ready(id, node),
                made => {
                    self.begun(id, node, made)?;
                    return Ok(place + 1);
                }
            }
        }
        Ok(linked.order.len())
    }

    /// Goes on as constructors finish.
    async fn wait(&mut self, deadline: Duration) -> Result<(), StartError> {
        let timer = tokio::time::sleep(deadline);
        let mut timer = std::pin::pin!(timer);
        loop {
            self.unblock()?;
            let Some(running) = self.running.as_mut().filter(|running| !running.is_empty()) else {
                let stuck: Vec<String> = self.blocked.iter().map(|&id| self.name(id)).collect();
                return if stuck.is_empty() { Ok(()) } else { Err(StartError::Cycle(stuck)) };
            };
            match future::select(running.next(), timer.as_mut()).await {
                future::Either::Left((Some((id, outcome)), _)) => self.end(id, outcome)?,
                future::Either::Left((None, _)) => {}
                future::Either::Right(_) => {
                    let running = |id: &usize| self.state[*id] == State::Running;
                    let pending = (0..self.state.len()).filter(running).map(|id| self.name(id)).collect();
                    return Err(StartError::Deadline { after: deadline, pending });
                }
            }
        }
    }

    /// Begins whatever can begin by now. One constructor that does not wait can free the next.
    fn unblock(&mut self) -> Result<(), StartError> {
        loop {
            let blocked = std::mem::take(&mut self.blocked);
            let before = blocked.len();
            for id in blocked {
                let (module, _, node) = self.modules.node(id);
                match node.make {
                    Make::Once(make) if self.can_begin(id) => self.begin(id, module, node, make)?,
                    _ => self.blocked.push(id),
                }
            }
            if self.blocked.len() == before {
                return Ok(());
            }
        }
    }

    fn begin(&mut self, id: usize, module: usize, node: &Node, make: MakeOnce) -> Result<(), StartError> {
        if let Some(With::Fake(fake)) = self.replaced.get(&id).cloned() {
            return self.begin_fake(id, fake);
        }
        let made = catch_unwind(AssertUnwindSafe(|| make(&mut self.lives, module, None)));
        self.begun(id, node, made)
    }

    fn begun(&mut self, id: usize, node: &Node, made: std::thread::Result<Result<Step>>) -> Result<(), StartError> {
        match made {
            Ok(Ok(Step::Later(wait))) => self.spawn(id, wait),
            Ok(Ok(Step::Done | Step::Made(_))) => self.is_ready(id, node),
            Ok(Err(error)) => return Err(self.failed(id, error)),
            Err(panic) => return Err(self.panicked(id, panic_text(&*panic))),
        }
        Ok(())
    }

    fn begin_fake(&mut self, id: usize, fake: Arc<Fake>) -> Result<(), StartError> {
        let Some(root) = self.lives.0.last() else {
            return Ok(());
        };
        let site = Site { live: &**root, lives: &self.lives, scope: Scope::NONE };
        match catch_unwind(AssertUnwindSafe(|| (fake.make)(site))) {
            Ok(made) => {
                self.spawn(id, made.map(|made| made.map(|made| Arc::new((made, fake)) as AnyArc)).boxed());
            }
            Err(panic) => return Err(self.panicked(id, panic_text(&*panic))),
        }
        Ok(())
    }

    fn spawn(&mut self, id: usize, wait: BoxFuture<'static, Result<AnyArc>>) {
        self.state[id] = State::Running;
        let wait = AssertUnwindSafe(wait).catch_unwind();
        self.running
            .get_or_insert_default()
            .push(wait.map(move |outcome| (id, outcome.map_err(|panic| panic_text(&*panic)))).boxed());
    }

    fn end(&mut self, id: usize, outcome: Result<Result<AnyArc>, String>) -> Result<(), StartError> {
        let value = match outcome {
            Ok(Ok(value)) => value,
            Ok(Err(error)) => return Err(self.failed(id, error)),
            Err(panic) => return Err(self.panicked(id, panic)),
        };
        match value.downcast_ref::<(MadeFake, Arc<Fake>)>() {
            None => self.fill(id, &value),
            Some((made, fake)) => {
                self.fakes.insert(id, (made.own.clone(), fake.clone()));
                self.fill(id, &made.value);
            }
        }
        Ok(())
    }

    fn fill(&mut self, id: usize, value: &AnyArc) {
        let (module, _, node) = self.modules.node(id);
        if let Make::Once(make) = node.make {
            // Nothing is made here, so nothing can fail.
            let _done = make(&mut self.lives, module, Some(value));
        }
        self.is_ready(id, node);
    }

    fn is_ready(&mut self, id: usize, node: &Node) {
        self.state[id] = State::Ready;
        let hooked = match self.replaced.get(&id) {
            None => node.start.is_some() || node.stop.is_some(),
            Some(With::Value(_)) => false,
            Some(With::Fake(fake)) => fake.start.is_some() || fake.stop.is_some(),
        };
        if hooked {
            self.hooked.push(id);
        }
    }

    fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.is_empty())
    }

    fn graph(&self) -> Replaced<'_> {
        Replaced { modules: &self.modules, with: &self.replaced }
    }

    fn can_begin(&self, id: usize) -> bool {
        self.graph().eager(id).all(|(_, to, kind)| match kind {
            Kind::Transient => self.can_begin(to),
            _ => self.state[to] == State::Ready,
        })
    }

    /// What is reached from the roots: nodes that nobody needs, or only lazily, and handlers. What only a replaced provider
    /// needed is reached no more.
    fn needed(&self) -> Vec<bool> {
        let nodes = self.state.len();
        let mut root = vec![true; nodes];
        for id in 0..nodes {
            for edge in self.modules.node(id).2.edges {
                if let (Some(to), false) = (edge.to.as_ref().and_then(|key| self.modules.id(key)), edge.lazy) {
                    root[to] = false;
                }
            }
        }
        let mut todo: Vec<usize> = (0..nodes).filter(|&id| root[id]).collect();
        for id in 0..nodes {
            let handlers = self.modules.node(id).2.handlers;
            todo.extend(handlers.iter().flat_map(|handler| self.reached(handler.edges)));
        }
        let mut needed = vec![false; nodes];
        while let Some(id) = todo.pop() {
            if !std::mem::replace(&mut needed[id], true) {
                todo.extend(self.reached(self.graph().edges(id)));
            }
        }
        needed
    }

    fn reached(&self, edges: &'static [Edge]) -> impl Iterator<Item = usize> + '_ {
        edges.iter().filter_map(|edge| self.modules.id(edge.to.as_ref()?))
    }

    fn name(&self, id: usize) -> String {
        let (_, module, node) = self.modules.node(id);
        format!("`{}` of module `{}`", node.name, module.name)
    }

    fn failed(&self, id: usize, source: Error) -> StartError {
        let (_, module, node) = self.modules.node(id);
        StartError::Failed { module: module.name, service: node.name, source: source.into() }
    }

    fn panicked(&self, id: usize, message: String) -> StartError {
        let (_, module, node) = self.modules.node(id);
        StartError::Panicked { module: module.name, service: node.name, message }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Builder({} hooks, {} nodes)", self.hooked.len(), self.state.len())
    }
}
