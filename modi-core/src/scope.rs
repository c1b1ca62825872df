//! Where services are resolved: a module and, for one attempt at one message, what was made for it so far.

use crate::graph::AnyArc;
use crate::module::{Live, Lives, Module};
use crate::overrides::Fake;
use crate::{Error, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What a dependency is taken from. Extractors of other crates meet it too.
pub struct Resolver<'a, M: Module> {
    pub(crate) live: &'a Live<M>,
    /// Where imports are found while they are not linked yet.
    pub(crate) lives: &'a Lives,
    pub(crate) scope: &'a Scope,
    pub(crate) holder: &'static str,
}

/// A [`Resolver`] whose module is erased.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub(crate) live: &'a (dyn Any + Send + Sync),
    pub(crate) lives: &'a Lives,
    pub(crate) scope: &'a Scope,
}

impl<'a> Site<'a> {
    pub(crate) fn running(live: &'a AnyArc, scope: &'a Scope) -> Self {
        Self { live: &**live, lives: Lives::NONE, scope }
    }

    pub(crate) fn resolver<M: Module>(self, holder: &'static str) -> Resolver<'a, M> {
        Resolver { live: crate::service::live(self.live), lives: self.lives, scope: self.scope, holder }
    }
}

impl<'a, M: Module> Resolver<'a, M> {
    /// For the layer that runs handlers: resolves for `holder` in `module`, which must be an `M`.
    pub fn new(module: &'a AnyArc, scope: &'a Scope, holder: &'static str) -> Self {
        Site::running(module, scope).resolver(holder)
    }

    /// Who asks: an entry of `providers`, or a handler.
    pub fn holder(&self) -> &'static str {
        self.holder
    }

    /// Borrows a singleton.
    #[inline(always)]
    pub fn get<T: ?Sized + 'static>(&self) -> &'a Arc<T>
    where
        M: crate::module::Singleton<T>,
    {
        self.live.get()
    }

    /// What the layers above gave to the application: see [`App::extend`](crate::App::extend).
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<&'a T> {
        self.live.space.extensions.get()
    }
}

/// The services of one attempt at one message.
///
/// It is opened with a [`ScopePlan`] before the handler takes its services, completed when the handler has ended, and
/// dropped after settlement. It can be used again, and then allocates nothing of its own.
#[derive(Default)]
pub struct Scope {
    kept: Vec<Kept>,
}

struct Kept {
    id: usize,
    value: AnyArc,
    end: Option<End>,
}

struct End {
    of: AnyArc,
    complete: Complete,
}

/// The end of a scoped service whose type is erased.
pub type Complete = for<'a> fn(&'a AnyArc, &'a Completion<'a>) -> BoxFuture<'a, Result>;

/// How an attempt ended, as its scoped services see it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Completion<'a> {
    /// The handler succeeded. Its results are published next.
    Success,
    /// The handler, or a service that was completed earlier, returned an error.
    Failed(&'a Error),
    /// The handler panicked.
    Panicked(&'a str),
    /// The handler missed its deadline and was dropped.
    DeadlineExceeded,
    /// The handler was cut off: the application stops.
    Cancelled,
}

/// What making a node came to.
pub enum Step {
    /// A singleton is in its cell.
    Done,
    /// A value for the scope.
    Made(AnyArc),
    /// A constructor that waits.
    Later(BoxFuture<'static, Result<AnyArc>>),
}

/// Which scoped services an attempt needs, dependencies first. Made once, when a handler is mounted.
#[derive(Default)]
pub struct ScopePlan {
    pub(crate) steps: Vec<Planned>,
}

pub(crate) struct Planned {
    pub(crate) id: usize,
    pub(crate) name: &'static str,
    pub(crate) module: AnyArc,
    pub(crate) make: MakeStep,
    pub(crate) complete: Option<Complete>,
}

pub(crate) enum MakeStep {
    Node(fn(Site<'_>) -> Result<Step>),
    Fake(Arc<Fake>),
}

impl ScopePlan {
    /// Nothing to make: most handlers need singletons only.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl Scope {
    /// For what needs no scope.
    pub const NONE: &'static Self = &Self::new();

    /// A scope with nothing in it.
    pub const fn new() -> Self {
        Self { kept: Vec::new() }
    }

    /// Makes what the plan names.
    ///
    /// # Errors
    ///
    /// The first error of a constructor. What was made before it is still completed by [`Scope::complete`].
    pub async fn open(&mut self, plan: &ScopePlan) -> Result {
        for step in &plan.steps {
            let kept = self.make(step).await?;
            self.kept.push(kept);
        }
        Ok(())
    }

    async fn make(&self, step: &Planned) -> Result<Kept> {
        let (value, of) = match &step.make {
            MakeStep::Node(make) => match make(Site::running(&step.module, self))? {
                Step::Made(value) => (value, None),
                Step::Later(wait) => (wait.await?, None),
                Step::Done => {
                    return Err(Error::new(format!("`{}` is not a scoped service", step.name)));
                }
            },
            MakeStep::Fake(fake) => {
                let made = (fake.make)(Site::running(&step.module, self)).await?;
                (made.value, Some(made.own))
            }
        };
        let end = step.complete.map(|complete| End { of: of.unwrap_or_else(|| value.clone()), complete });
        Ok(Kept { id: step.id, value, end })
    }

    /// Ends the services of the scope in the reverse order of their construction.
    ///
    /// # Errors
    ///
    /// The first error of a completion, or its panic. The rest are completed as failed.
    pub async fn complete(&self, completion: Completion<'_>) -> Result {
        let mut first: Result = Ok(());
        for kept in self.kept.iter().rev() {
            let Some(end) = &kept.end else { continue };
            let completion = match &first {
                Ok(()) => completion,
                Err(error) => Completion::Failed(error),
            };
            let ended = AssertUnwindSafe(async { (end.complete)(&end.of, &completion).await }).catch_unwind().await;
            let ended = ended.unwrap_or_else(|panic| Err(Error::new(panic_text(&*panic))));
            if first.is_ok() {
                first = ended;
            }
        }
        first
    }

    /// Whether [`Scope::complete`] has anything to do.
    #[inline]
    pub fn has_ends(&self) -> bool {
        self.kept.iter().any(|kept| kept.end.is_some())
    }

    /// Drops what it holds, and can be opened again.
    pub fn clear(&mut self) {
        while self.kept.pop().is_some() {}
    }

    pub(crate) fn kept(&self, id: usize) -> Option<&AnyArc> {
        self.kept.iter().find(|kept| kept.id == id).map(|kept| &kept.value)
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".to_owned(),
    }
}

/// What needs others goes before them.
impl Drop for Scope {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<M: Module> Clone for Resolver<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M: Module> Copy for Resolver<'_, M> {}
impl<M: Module> fmt::Debug for Resolver<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolver({} in {})", self.holder, M::NAME)
    }
}
impl fmt::Debug for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({:?})", self.scope)
    }
}
impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({} services)", self.kept.len())
    }
}
impl fmt::Debug for ScopePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.steps.iter().map(|step| step.name)).finish()
    }
}
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Made(_) => "Made",
            Self::Later(_) => "Later",
        })
    }
}
