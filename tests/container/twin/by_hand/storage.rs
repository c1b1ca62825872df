//! What others build on: a function's service, one of settings, a connection, a generic, a unit of work and a query.

mod module;

pub(crate) use module::StorageModule;

use crate::support::work;
use crate::twin::app::{Clock, Fixed, Health, Journal, Settings, note};
use modi_core::dependency::{Dependency, edge, take};
use modi_core::lifetime;
use modi_core::scope::Complete;
use modi_core::service::{
    Made, Object, Service, ServiceHook, Source, Wire, completes, constructed, keep, later, starts, stops,
};
use modi_core::{Completion, Edge, Lifecycle, Module, Resolver, Result, Scoped};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

// ---------------------------------------------------------------------- #[injectable] on a function
fn journal() -> Journal {
    Journal::default()
}

/// A function has no type that a module could list. This one has its name: types and functions do not clash.
#[expect(non_camel_case_types, reason = "a type of the function's name")]
pub(crate) struct journal {}

impl Source for journal {
    /// Known here, so that a module can list `journal` without saying what it provides.
    type Output = Journal;
    /// The default. It is a type, because a module sees a path, not an attribute.
    type Life = lifetime::Singleton;
    /// How a value is kept where its type is forgotten: behind one more `Arc`, which trait objects need.
    type Keep = lifetime::Wrapped;
    /// An entry `journal` is called by what it provides.
    const NAME: Option<&'static str> = Some("Journal");
}

/// Any module can make it: there are no bounds, because there are no parameters.
impl<M: Module> Wire<M> for journal {
    const EDGES: &'static [Edge] = &[];

    fn make(_: &Resolver<'_, M>) -> Result<Made<Journal>> {
        // `constructed` takes a service or a result of it, so no attribute has to know what `Result` means here.
        Ok(Made::Ready(Arc::new(constructed(journal())?)))
    }
}

// ---------------------------------------------------------------------- #[injectable] on an async function
async fn clock(settings: Arc<Settings>) -> Result<Arc<dyn Clock>> {
    settings.trouble("clock").await?;
    Ok(Arc::new(Fixed(settings.url.len())))
}

// Asked for once more, ahead of all that follows from it: where the trait is not `Send + Sync`, the compiler's first error
// is in the words of `Object`.
const _: () = {
    fn _shared()
    where
        dyn Clock: Object,
    {
    }
};

#[expect(non_camel_case_types, reason = "a type of the function's name")]
pub(crate) struct clock {}

impl Source for clock {
    type Output = dyn Clock;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
    const NAME: Option<&'static str> = Some("dyn Clock");
}

/// Any module that has `Settings` can make it. The bound has the span of the parameter's type.
impl<M: Module> Wire<M> for clock
where
    Arc<Settings>: Dependency<M>,
{
    /// The same as a constant: the graph is drawn and checked without building anything.
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Settings>>("settings")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<dyn Clock>> {
        // Dependencies are taken at once, because they are ready; the future owns them, so it can run beside others.
        let settings = take(cx)?;
        Ok(later(async move { keep::<Self>(constructed(clock(settings).await)?) }))
    }
}

// ---------------------------------------------------------------------- #[injectable] on a unit struct
#[cfg(debug_assertions)]
pub(crate) struct Tracer;

/// The attribute stands below the `#[cfg]`, so it writes nothing where the struct is not compiled.
#[cfg(debug_assertions)]
impl Source for Tracer {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
}

#[cfg(debug_assertions)]
impl<M: Module> Wire<M> for Tracer {
    const EDGES: &'static [Edge] = &[];

    fn make(_: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self)))
    }
}

// ---------------------------------------------------------------------- #[injectable(lifecycle)] on an impl
pub(crate) struct Database {
    pub(crate) settings: Arc<Settings>,
    pub(crate) journal: Arc<Journal>,
    sessions: AtomicU32,
}

impl Database {
    pub(crate) async fn connect(settings: Arc<Settings>, journal: Arc<Journal>) -> Result<Self> {
        work(50).await;
        settings.trouble("connect").await?;
        Ok(Self { settings, journal, sessions: AtomicU32::new(0) })
    }
}

impl Lifecycle for Database {
    async fn on_start(&self) -> Result {
        note(&self.journal, "start Database");
        Ok(())
    }

    async fn on_stop(&self) -> Result {
        note(&self.journal, "stop Database");
        Ok(())
    }
}

impl Health for Database {
    fn part(&self) -> &'static str {
        "database"
    }
}

impl Source for Database {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
    /// `lifecycle`: asks for `Database: Lifecycle`, and only here is a future boxed for a hook.
    const START: Option<ServiceHook<Self>> = starts::<Self>();
    const STOP: Option<ServiceHook<Self>> = stops::<Self>();
}

impl<M: Module> Wire<M> for Database
where
    Arc<Settings>: Dependency<M>,
    Arc<Journal>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Settings>>("settings"), edge::<M, Arc<Journal>>("journal")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        let settings = take(cx)?;
        let journal = take(cx)?;
        Ok(later(async move { keep::<Self>(Arc::new(constructed(Self::connect(settings, journal).await)?)) }))
    }
}

// ---------------------------------------------------------------------- #[injectable] on a struct
pub(crate) struct Cache {
    journal: Arc<Journal>,
}

impl Source for Cache {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
}

impl<M: Module> Wire<M> for Cache
where
    Arc<Journal>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Journal>>("journal")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        // Which dependency is taken is inferred from the field: no attribute reads the type.
        Ok(Made::Ready(Arc::new(Self { journal: take(cx)? })))
    }
}

// ---------------------------------------------------------------------- #[injectable] on a generic struct
pub(crate) struct Repository<T> {
    pub(crate) db: Arc<Database>,
    cache: Arc<Cache>,
    of: PhantomData<fn() -> T>,
}

impl<T> Repository<T> {
    pub(crate) fn load(&self) -> PhantomData<fn() -> T> {
        note(&self.cache.journal, "load");
        self.of
    }
}

/// The bound says of `T` what a service needs, in the words of a service.
impl<T> Source for Repository<T>
where
    Self: Service,
{
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
}

impl<T, M: Module> Wire<M> for Repository<T>
where
    Self: Service,
    Arc<Database>: Dependency<M>,
    Arc<Cache>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Database>>("db"), edge::<M, Arc<Cache>>("cache")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        // `#[default]`: not a dependency, so neither an edge nor a bound.
        Ok(Made::Ready(Arc::new(Self { db: take(cx)?, cache: take(cx)?, of: Default::default() })))
    }
}

// ---------------------------------------------------------------------- #[injectable(scoped, complete)] on an impl
pub(crate) struct Transaction {
    pub(crate) number: u32,
    pub(crate) db: Arc<Database>,
}

impl Transaction {
    pub(crate) async fn begin(db: Arc<Database>) -> Result<Self> {
        tokio::task::yield_now().await;
        db.settings.trouble("begin").await?;
        Ok(Self { number: db.sessions.fetch_add(1, Ordering::Relaxed), db })
    }
}

impl Scoped for Transaction {
    async fn complete(&self, completion: &Completion<'_>) -> Result {
        let outcome = match completion {
            Completion::Success => "commit",
            Completion::Failed(_) => "roll back after an error",
            _ => "roll back",
        };
        note(&self.db.journal, format!("{outcome} {}", self.number));
        self.db.settings.trouble("complete").await
    }
}

impl Source for Transaction {
    type Output = Self;
    type Life = lifetime::Scoped;
    /// A scope forgets the types of what it keeps. A type of a known size needs no second `Arc` for that.
    type Keep = lifetime::Whole;
    /// `complete`: asks for `Transaction: Scoped`.
    const COMPLETE: Option<Complete> = completes::<Self>();
}

impl<M: Module> Wire<M> for Transaction
where
    Arc<Database>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Database>>("db")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        let db = take(cx)?;
        Ok(later(async move { keep::<Self>(Arc::new(constructed(Self::begin(db).await)?)) }))
    }
}

// ---------------------------------------------------------------------- #[injectable(transient)] on a struct
pub(crate) struct Query {
    pub(crate) transaction: Arc<Transaction>,
}

impl Source for Query {
    type Output = Self;
    type Life = lifetime::Transient;
    type Keep = lifetime::Whole;
}

impl<M: Module> Wire<M> for Query
where
    Arc<Transaction>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Transaction>>("transaction")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self { transaction: take(cx)? })))
    }
}
