//! `#[module]` on `StorageModule`: its providers, one after the other.

#[cfg(debug_assertions)]
use super::Tracer;
use super::{Cache, Database, Query, Repository, Transaction, clock, journal};
use crate::twin::app::{Clock, Health, Journal, Settings, User};
use modi_core::dependency::{edge, take};
use modi_core::graph::{Outline, order};
use modi_core::lifetime;
use modi_core::module::{Cell, Exports, Owns, Provides};
use modi_core::provide::Own;
use modi_core::service::{Made, Object, Source, Value, Wire, node};
use modi_core::{All, Edge, Linker, Module, Node, Plan, Resolver, Result};
use std::sync::Arc;

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

    const _: () = {
        fn _shared()
        where
            dyn Health: Object,
        {
        }
    };

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
        const IMPORTS: &'static [Outline] = &[];
        /// In which order to build: a cycle or a captive dependency stops the compilation here.
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

    // Reads the constants, so that it is `cargo check` that stops, although it builds nothing.
    const _: &[usize] = <StorageModule as Module>::ORDER;
    const _: &[Outline] = <StorageModule as Module>::IMPORTS;
};
