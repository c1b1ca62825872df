//! From a root module to one `Live` a module type: who gives each its value, and how they are linked.

use crate::component::Declared;
use crate::graph::{AnyArc, Key, Kind, Make, Node};
use crate::module::{Handle, Live, Lives, Module};
use crate::overrides::With;
use crate::scope::{MakeStep, Planned, Scope, ScopePlan, Site};
use crate::{Edge, Error, Result};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

/// Which modules there are, and who gives each its value. The root is the first.
#[derive(Default)]
pub struct Plan {
    modules: Vec<PlannedModule>,
    problems: Vec<String>,
}

struct PlannedModule {
    linked: Linked,
    value: Option<Box<dyn Any + Send + Sync>>,
    given_by: Option<&'static str>,
    wanted_by: Vec<&'static str>,
    imports: Vec<usize>,
    open: Open,
    seal: Seal,
}

/// A module of an application, erased.
#[derive(Clone, Copy)]
pub(crate) struct Linked {
    pub(crate) name: &'static str,
    pub(crate) owner: TypeId,
    pub(crate) graph: &'static [Node],
    pub(crate) order: &'static [usize],
    /// The number of its first node in the application.
    pub(crate) base: usize,
}

impl Linked {
    /// Its handlers, in the order of `subscribers`.
    pub(crate) fn handlers(&self) -> impl Iterator<Item = Declared> + use<> {
        let module = self.name;
        let nodes = self.graph.iter().flat_map(|node| node.handlers.iter());
        nodes.map(move |node| Declared { module, node })
    }
}

impl Plan {
    /// Module `By` imports module `D`, and gives it a value or leaves that to another importer.
    pub fn import<By: Module, D: Module>(&mut self, value: Option<D>) {
        let (by, at) = (self.place::<By>(), self.place::<D>());
        self.modules[by].imports.push(at);
        match (value, self.modules[at].given_by) {
            (Some(_), Some(given_by)) => self.problems.push(format!(
                "module `{}` is given a value by `{given_by}` and by `{}`: one of them must import it without",
                D::NAME,
                By::NAME
            )),
            (Some(value), None) => self.give(By::NAME, value),
            (None, None) => match D::unit() {
                Some(unit) => self.give(By::NAME, unit),
                None => self.modules[at].wanted_by.push(By::NAME),
            },
            (None, Some(_)) => {}
        }
    }

    pub(crate) fn give<D: Module>(&mut self, by: &'static str, value: D) {
        let at = self.place::<D>();
        self.modules[at].given_by = Some(by);
        value.imports(self);
        self.modules[at].value = Some(Box::new(value));
    }

    fn place<D: Module>(&mut self) -> usize {
        let owner = TypeId::of::<D>();
        if let Some(known) = self.modules.iter().position(|planned| planned.linked.owner == owner) {
            return known;
        }
        self.modules.push(PlannedModule {
            linked: Linked { name: D::NAME, owner, graph: D::GRAPH, order: D::ORDER, base: 0 },
            value: None,
            given_by: None,
            wanted_by: Vec::new(),
            imports: Vec::new(),
            open: open::<D>,
            seal: seal::<D>,
        });
        self.modules.len() - 1
    }

    /// Every problem with the values of modules.
    pub(crate) fn problems(&mut self) -> Vec<String> {
        let missing = self.modules.iter().filter(|planned| planned.value.is_none()).map(|planned| {
            let importers: Vec<String> = planned.wanted_by.iter().map(|by| format!("`{by}`")).collect();
            let name = planned.linked.name;
            format!("module `{name}` needs a value: it is imported by {} without one", importers.join(" and "))
        });
        std::mem::take(&mut self.problems).into_iter().chain(missing).collect()
    }

    /// Opens every module, imports first: its cells are empty, its imports not linked.
    pub(crate) fn open(mut self, space: &Arc<Space>) -> (Vec<Linked>, Lives, Sealing) {
        let mut base = 0;
        let (mut linked, mut lives, mut sealing) = (Vec::new(), Lives::default(), Vec::new());
        for at in self.imports_first() {
            let planned = &mut self.modules[at];
            let Some(live) = planned.value.take().and_then(|value| (planned.open)(value, base, space)) else {
                continue;
            };
            linked.push(Linked { base, ..planned.linked });
            lives.0.push(live);
            sealing.push(planned.seal);
            base += planned.linked.graph.len();
        }
        (linked, lives, Sealing(sealing))
    }

    fn imports_first(&self) -> Vec<usize> {
        let (mut order, mut seen) = (Vec::with_capacity(self.modules.len()), vec![false; self.modules.len()]);
        let mut path = vec![(0, 0)];
        while let Some((at, next)) = path.last_mut() {
            seen[*at] = true;
            match self.modules[*at].imports.get(*next) {
                Some(&import) => {
                    *next += 1;
                    if !seen[import] {
                        path.push((import, 0));
                    }
                }
                None => {
                    order.push(*at);
                    path.pop();
                }
            }
        }
        order
    }
}

fn open<D: Module>(
    value: Box<dyn Any + Send + Sync>,
    base: usize,
    space: &Arc<Space>,
) -> Option<Box<dyn Any + Send + Sync>> {
    let cells = value.downcast::<D>().ok()?.cells();
    Some(Box::new(Live::<D> { cells, base, space: space.clone(), handle: Arc::new(Handle(OnceLock::new())) }))
}

fn seal<D: Module>(live: Box<dyn Any + Send + Sync>, linker: &Linker) -> Option<AnyArc> {
    let mut live = *live.downcast::<Live<D>>().ok()?;
    D::link(&mut live.cells, linker);
    let live = Arc::new(live);
    let _once = live.handle.0.set(Arc::downgrade(&live));
    Some(live)
}

type Open = fn(Box<dyn Any + Send + Sync>, usize, &Arc<Space>) -> Option<Box<dyn Any + Send + Sync>>;
type Seal = fn(Box<dyn Any + Send + Sync>, &Linker) -> Option<AnyArc>;
pub(crate) struct Sealing(Vec<Seal>);

/// Links every module to its imports, once everything is built.
#[derive(Default)]
pub struct Linker {
    pub(crate) lives: Vec<AnyArc>,
}

impl Linker {
    pub(crate) fn seal(lives: Lives, sealing: &Sealing) -> Self {
        let mut linker = Self::default();
        for (live, seal) in lives.0.into_iter().zip(&sealing.0) {
            let sealed = seal(live, &linker);
            linker.lives.extend(sealed);
        }
        linker
    }

    pub(crate) fn module<D: Module>(&self) -> Option<Arc<Live<D>>> {
        self.lives.iter().find_map(|live| live.clone().downcast().ok())
    }
}

/// What all modules of an application share.
pub(crate) struct Space {
    pub(crate) extensions: Extensions,
    /// What tests put in the place of providers, by node.
    replaced: OnceLock<HashMap<usize, With>>,
    overridden: Vec<&'static str>,
    /// The root module, which fakes are injected from.
    root: OnceLock<Weak<dyn Any + Send + Sync>>,
}

impl Space {
    pub(crate) fn new(extensions: Extensions, overridden: Vec<&'static str>) -> Self {
        Self { extensions, replaced: OnceLock::new(), overridden, root: OnceLock::new() }
    }

    pub(crate) fn replace(&self, replaced: HashMap<usize, With>) {
        let _once = self.replaced.set(replaced);
    }

    pub(crate) fn run(&self, root: &AnyArc) {
        let _once = self.root.set(Arc::downgrade(root));
    }

    pub(crate) fn replaced(&self, id: usize) -> Option<&With> {
        self.replaced.get()?.get(&id)
    }

    pub(crate) fn overridden(&self) -> String {
        let names: Vec<String> = self.overridden.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }

    fn root(&self) -> Option<AnyArc> {
        self.root.get()?.upgrade()
    }

    /// What a test put in the place of a transient or a scoped service: a value, or for a transient a fake that is made now.
    pub(crate) fn replacement(&self, id: usize, lives: &Lives, scope: &Scope) -> Option<Result<AnyArc>> {
        let fake = match self.replaced(id)? {
            With::Value(value) => return Some(Ok(value.clone())),
            With::Fake(_) if scope.kept(id).is_some() => return scope.kept(id).cloned().map(Ok),
            With::Fake(fake) => fake,
        };
        let running = self.root();
        let live = match (&running, lives.0.last()) {
            (Some(running), _) => &**running,
            (None, Some(building)) => &**building,
            (None, None) => return None,
        };
        let made = futures_util::FutureExt::now_or_never((fake.make)(Site { live, lives, scope }));
        Some(match made {
            Some(made) => made.map(|made| made.value),
            None => Err(Error::new(format!("`{}` stands for a transient, so its constructor cannot wait", fake.name))),
        })
    }
}

/// Values that layers above the container give to an application, one a type.
#[derive(Default)]
pub(crate) struct Extensions(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl Extensions {
    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Box::new(value));
    }

    pub(crate) fn get<T: Any>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

/// The modules of an application: finds nodes and plans scopes.
#[derive(Clone)]
pub(crate) struct Modules {
    pub(crate) linked: Arc<[Linked]>,
    pub(crate) space: Arc<Space>,
}

impl Modules {
    pub(crate) fn id(&self, key: &Key) -> Option<usize> {
        let owner = (key.owner)();
        self.linked.iter().find(|linked| linked.owner == owner).map(|linked| linked.base + key.node)
    }

    /// The number of the module, the module and the node with this number.
    pub(crate) fn node(&self, id: usize) -> (usize, &Linked, &'static Node) {
        let at = self.linked.partition_point(|linked| linked.base + linked.graph.len() <= id);
        let linked = &self.linked[at];
        (at, linked, &linked.graph[id - linked.base])
    }

    pub(crate) fn len(&self) -> usize {
        self.linked.last().map_or(0, |last| last.base + last.graph.len())
    }

    /// Which scoped services `edges` need, dependencies first.
    pub(crate) fn plan<'e>(&self, lives: &[AnyArc], edges: impl IntoIterator<Item = &'e Edge>) -> ScopePlan {
        let mut plan = ScopePlan::default();
        edges.into_iter().for_each(|edge| self.plan_into(lives, std::slice::from_ref(edge), &mut plan));
        plan
    }

    fn plan_into(&self, lives: &[AnyArc], edges: &[Edge], plan: &mut ScopePlan) {
        for key in edges.iter().filter(|edge| !edge.lazy).filter_map(|edge| edge.to.as_ref()) {
            if matches!(key.kind, Kind::Singleton | Kind::Handler) {
                continue;
            }
            let Some(id) = self.id(key) else { continue };
            if plan.steps.iter().any(|step| step.id == id) {
                continue;
            }
            let (module, _, node) = self.node(id);
            let step = match (self.space.replaced(id), self.space.root(), node.make) {
                (Some(With::Value(_)), ..) => None,
                (Some(With::Fake(fake)), Some(root), make) => {
                    self.plan_into(lives, fake.edges, plan);
                    let step = Planned {
                        id,
                        name: fake.name,
                        module: root,
                        make: MakeStep::Fake(fake.clone()),
                        complete: fake.complete,
                    };
                    (fake.scoped || matches!(make, Make::Each(_))).then_some(step)
                }
                (_, _, make) => {
                    self.plan_into(lives, node.edges, plan);
                    let Make::Each(make) = make else { continue };
                    let module = lives[module].clone();
                    Some(Planned { id, name: node.name, module, make: MakeStep::Node(make), complete: node.complete })
                }
            };
            plan.steps.extend(step);
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.modules.iter().map(|planned| planned.linked.name)).finish()
    }
}
impl fmt::Debug for Linker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Linker({} modules)", self.lives.len())
    }
}
