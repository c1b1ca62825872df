//! What others build on: a function's service, one of settings, a connection, a generic, a unit of work and a query.

use crate::twin::app::{Clock, Fixed, Health, Journal, Settings, User, note, refuse};
use modi_core::dependency::{Dependency, edge, take};
use modi_core::graph::order;
use modi_core::lifetime;
use modi_core::module::{Cell, Exports, Owns, Provides};
use modi_core::provide::Own;
use modi_core::scope::Complete;
use modi_core::service::{
    Made, Service, ServiceHook, Source, Value, Wire, completes, constructed, keep, later, node, starts, stops,
};
use modi_core::{All, Completion, Edge, Lifecycle, Linker, Module, Node, Plan, Resolver, Result, Scoped};
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
    refuse(&settings.url, "timeless", "no clock")?;
    Ok(Arc::new(Fixed(settings.url.len())))
}

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
    pub(crate) url: String,
    pub(crate) journal: Arc<Journal>,
    sessions: AtomicU32,
}

impl Database {
    pub(crate) async fn connect(settings: Arc<Settings>, journal: Arc<Journal>) -> Result<Self> {
        tokio::time::sleep(settings.delay).await;
        refuse(&settings.url, "nowhere", "no route to host")?;
        Ok(Self { url: settings.url.clone(), journal, sessions: AtomicU32::new(0) })
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
        refuse(&db.url, "read-only", "no transactions here")?;
        Ok(Self { number: db.sessions.fetch_add(1, Ordering::Relaxed), db })
    }
}

impl Scoped for Transaction {
    async fn complete(&self, completion: &Completion<'_>) -> Result {
        let outcome = match completion {
            Completion::Success => "commit".to_owned(),
            other => format!("roll back ({other:?})"),
        };
        note(&self.db.journal, format!("{outcome} {}", self.number));
        Ok(())
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

// ---------------------------------------------------------------------- #[module]
pub(crate) struct StorageModule {
    pub(crate) settings: Settings,
}

/// In a nameless constant, so that nothing of it can be named, and two modules may stand in one file.
const _: () = {
    // The place of each entry in `GRAPH`. The numbers are a chain, because an attribute cannot know which `#[cfg]` holds:
    // whatever stands behind `Tracer` moves by one.
    const SETTINGS: usize = 0;
    const JOURNAL: usize = SETTINGS + 1;
    const CLOCK: usize = JOURNAL + 1;
    const TRACER: usize = CLOCK + 1;
    const DATABASE: usize = TRACER + cfg!(debug_assertions) as usize;
    const CACHE: usize = DATABASE + 1;
    const REPOSITORY: usize = CACHE + 1;
    const TRANSACTION: usize = REPOSITORY + 1;
    const QUERY: usize = TRANSACTION + 1;
    const HEALTHS: usize = QUERY + 1;
    const NODES: usize = HEALTHS + 1;

    /// Where singletons are kept: a field each, so that `app.get::<Database>()` is a read at a fixed place.
    pub(crate) struct Cells {
        settings: Cell<Settings>,
        journal: Cell<Journal>,
        clock: Cell<dyn Clock>,
        #[cfg(debug_assertions)]
        tracer: Cell<Tracer>,
        database: Cell<Database>,
        cache: Cell<Cache>,
        repository: Cell<Repository<User>>,
        transaction: Cell<Transaction>,
        query: Cell<Query>,
        healths: Cell<All<dyn Health>>,
    }

    // `#[provide] settings`: a provider like others, whose value is there from the beginning.
    impl Owns<Settings> for StorageModule {
        type By = Value<Settings>;
        const NODE: usize = SETTINGS;
        const ENTRY: &'static str = "Settings";

        fn cell(cells: &Cells) -> &Cell<Settings> {
            &cells.settings
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Settings> {
            &mut cells.settings
        }
    }
    /// What the module has, by own means. Two entries that provide one type are two of these: the compiler refuses that.
    impl Provides<Settings> for StorageModule {
        type How = Own;
    }

    // `journal`: the service is read from the function's type, since the entry does not say it.
    impl Owns<<journal as Source>::Output> for StorageModule {
        type By = journal;
        const NODE: usize = JOURNAL;
        const ENTRY: &'static str = "journal";

        fn cell(cells: &Cells) -> &Cell<<journal as Source>::Output> {
            &cells.journal
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<<journal as Source>::Output> {
            &mut cells.journal
        }
    }
    impl Provides<<journal as Source>::Output> for StorageModule {
        type How = Own;
    }

    // `clock`
    impl Owns<<clock as Source>::Output> for StorageModule {
        type By = clock;
        const NODE: usize = CLOCK;
        const ENTRY: &'static str = "clock";

        fn cell(cells: &Cells) -> &Cell<<clock as Source>::Output> {
            &cells.clock
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<<clock as Source>::Output> {
            &mut cells.clock
        }
    }
    impl Provides<<clock as Source>::Output> for StorageModule {
        type How = Own;
    }

    // `#[cfg(debug_assertions)] Tracer`: the condition stands on all that the entry comes to.
    #[cfg(debug_assertions)]
    impl Owns<Tracer> for StorageModule {
        type By = Tracer;
        const NODE: usize = TRACER;
        const ENTRY: &'static str = "Tracer";

        fn cell(cells: &Cells) -> &Cell<Tracer> {
            &cells.tracer
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Tracer> {
            &mut cells.tracer
        }
    }
    #[cfg(debug_assertions)]
    impl Provides<Tracer> for StorageModule {
        type How = Own;
    }

    // `Database`
    impl Owns<Database> for StorageModule {
        type By = Database;
        const NODE: usize = DATABASE;
        const ENTRY: &'static str = "Database";

        fn cell(cells: &Cells) -> &Cell<Database> {
            &cells.database
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Database> {
            &mut cells.database
        }
    }
    impl Provides<Database> for StorageModule {
        type How = Own;
    }

    // `Cache`
    impl Owns<Cache> for StorageModule {
        type By = Cache;
        const NODE: usize = CACHE;
        const ENTRY: &'static str = "Cache";

        fn cell(cells: &Cells) -> &Cell<Cache> {
            &cells.cache
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Cache> {
            &mut cells.cache
        }
    }
    impl Provides<Cache> for StorageModule {
        type How = Own;
    }

    // `Repository<User>`: one instance of the generic is one entry.
    impl Owns<Repository<User>> for StorageModule {
        type By = Repository<User>;
        const NODE: usize = REPOSITORY;
        const ENTRY: &'static str = "Repository<User>";

        fn cell(cells: &Cells) -> &Cell<Repository<User>> {
            &cells.repository
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Repository<User>> {
            &mut cells.repository
        }
    }
    impl Provides<Repository<User>> for StorageModule {
        type How = Own;
    }

    // `Transaction`: its cell stays empty, since a scope keeps it. The attribute writes it all the same: it sees a path.
    impl Owns<Transaction> for StorageModule {
        type By = Transaction;
        const NODE: usize = TRANSACTION;
        const ENTRY: &'static str = "Transaction";

        fn cell(cells: &Cells) -> &Cell<Transaction> {
            &cells.transaction
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Transaction> {
            &mut cells.transaction
        }
    }
    impl Provides<Transaction> for StorageModule {
        type How = Own;
    }

    // `Query`
    impl Owns<Query> for StorageModule {
        type By = Query;
        const NODE: usize = QUERY;
        const ENTRY: &'static str = "Query";

        fn cell(cells: &Cells) -> &Cell<Query> {
            &cells.query
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Query> {
            &mut cells.query
        }
    }
    impl Provides<Query> for StorageModule {
        type How = Own;
    }

    // `Database as all dyn Health`: all members together are one more node, the last, since it needs the others.
    impl Owns<All<dyn Health>> for StorageModule {
        type By = Healths;
        const NODE: usize = HEALTHS;
        const ENTRY: &'static str = "All<dyn Health>";

        fn cell(cells: &Cells) -> &Cell<All<dyn Health>> {
            &cells.healths
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<All<dyn Health>> {
            &mut cells.healths
        }
    }
    impl Provides<All<dyn Health>> for StorageModule {
        type How = Own;
    }

    /// Makes the set. Only the module knows its members, so the maker is the module's and no user's.
    pub(crate) struct Healths;

    impl Source for Healths {
        type Output = All<dyn Health>;
        type Life = lifetime::Singleton;
        type Keep = lifetime::Wrapped;
    }

    impl Wire<StorageModule> for Healths {
        const EDGES: &'static [Edge] = &[edge::<StorageModule, Arc<Database>>("Database")];

        fn make(cx: &Resolver<'_, StorageModule>) -> Result<Made<All<dyn Health>>> {
            let mut members: Vec<Arc<dyn Health>> = Vec::new();
            {
                let member: Arc<Database> = take(cx)?;
                members.push(member);
            }
            Ok(Made::Ready(Arc::new(All::new(members))))
        }
    }

    // `exports`: what importers may take. Nothing more is needed, because `Provides` says how it is had.
    impl Exports<Journal> for StorageModule {}
    impl Exports<dyn Clock> for StorageModule {}
    impl Exports<Database> for StorageModule {}
    impl Exports<All<dyn Health>> for StorageModule {}
    impl Exports<Repository<User>> for StorageModule {}
    impl Exports<Transaction> for StorageModule {}
    impl Exports<Query> for StorageModule {}

    impl Module for StorageModule {
        const NAME: &'static str = "StorageModule";
        /// What the compiler checks, what start-up follows, and what is drawn.
        const GRAPH: &'static [Node] = &[
            node::<Self, Settings>(),
            node::<Self, <journal as Source>::Output>(),
            node::<Self, <clock as Source>::Output>(),
            #[cfg(debug_assertions)]
            node::<Self, Tracer>(),
            node::<Self, Database>(),
            node::<Self, Cache>(),
            node::<Self, Repository<User>>(),
            node::<Self, Transaction>(),
            node::<Self, Query>(),
            node::<Self, All<dyn Health>>(),
        ];
        const ORDER: &'static [usize] = &order::<NODES>(Self::NAME, Self::GRAPH);
        type Cells = Cells;

        // No `unit`: a module with fields needs a value, from an importer or from `App::new`.

        fn imports(&self, _plan: &mut Plan) {}

        /// Only the module's own values are there before anything is built.
        fn cells(self) -> Cells {
            Cells {
                settings: Cell::full(Arc::new(self.settings)),
                journal: Cell::empty(),
                clock: Cell::empty(),
                #[cfg(debug_assertions)]
                tracer: Cell::empty(),
                database: Cell::empty(),
                cache: Cell::empty(),
                repository: Cell::empty(),
                transaction: Cell::empty(),
                query: Cell::empty(),
                healths: Cell::empty(),
            }
        }

        fn link(_cells: &mut Cells, _linker: &Linker) {}
    }

    /// Reads the order, so that a cycle or a captive stops `cargo check`, although nothing else is built.
    const _: &[usize] = <StorageModule as Module>::ORDER;
};
