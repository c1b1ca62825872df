//! The root: a diamond of imports, one with a value; a lazy cycle, an optional that is absent, a set of two imports.

use super::mail::MailModule;
use super::storage::{Database, Query, Repository, StorageModule, Transaction};
use crate::twin::app::{Audit, Clock, Health, Journal, Mailer, Settings, User};
use modi_core::dependency::{Dependency, edge, imported, take, take_imported};
use modi_core::graph::{Outline, order, outline};
use modi_core::lifetime;
use modi_core::module::{Cell, Imports, Link, Optional, Owns, Provides};
use modi_core::provide::{From, Own};
use modi_core::service::{Made, Object, Service, Source, Wire, node};
use modi_core::{All, Edge, Key, Lazy, Linker, Module, Node, Plan, Resolver, Result};
use std::sync::Arc;

// ---------------------------------------------------------------------- #[injectable] on a struct
pub(crate) struct Orders {
    pub(crate) repository: Arc<Repository<User>>,
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) audit: Option<Arc<Audit>>,
    pub(crate) health: All<dyn Health>,
    pub(crate) stock: Arc<Stock>,
}

/// The bounds follow from what it needs. They are said for the sake of a trait that is not `Send + Sync`: the
/// compiler's first error is in the words of `Service` then.
impl Source for Orders
where
    for<'x> dyn Mailer: Service,
    for<'x> dyn Health: Service,
{
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
}

/// Each spelling of a dependency implements `Dependency` itself, so there is one kind of bound.
impl<M: Module> Wire<M> for Orders
where
    Arc<Repository<User>>: Dependency<M>,
    Arc<dyn Mailer>: Dependency<M>,
    Option<Arc<Audit>>: Dependency<M>,
    All<dyn Health>: Dependency<M>,
    Arc<Stock>: Dependency<M>,
    // As for `Source`.
    for<'x> dyn Mailer: Service,
    for<'x> dyn Health: Service,
{
    const EDGES: &'static [Edge] = &[
        edge::<M, Arc<Repository<User>>>("repository"),
        edge::<M, Arc<dyn Mailer>>("mailer"),
        edge::<M, Option<Arc<Audit>>>("audit"),
        edge::<M, All<dyn Health>>("health"),
        edge::<M, Arc<Stock>>("stock"),
    ];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self {
            repository: take(cx)?,
            mailer: take(cx)?,
            audit: take(cx)?,
            health: take(cx)?,
            stock: take(cx)?,
        })))
    }
}

// ---------------------------------------------------------------------- #[injectable] on a struct
pub(crate) struct Stock {
    pub(crate) orders: Lazy<Orders>,
}

impl Source for Stock {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
}

impl<M: Module> Wire<M> for Stock
where
    Lazy<Orders>: Dependency<M>,
{
    /// `edge` marks it as lazy: `Orders --stock--> Stock --orders--> Orders` is no cycle then.
    const EDGES: &'static [Edge] = &[edge::<M, Lazy<Orders>>("orders")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self { orders: take(cx)? })))
    }
}

// ---------------------------------------------------------------------- #[module]
pub(crate) struct OrderModule {
    pub(crate) storage: Settings,
}

const _: () = {
    const ORDERS: usize = 0;
    const STOCK: usize = ORDERS + 1;
    const HEALTHS: usize = STOCK + 1;
    const NODES: usize = HEALTHS + 1;

    pub(crate) struct Cells {
        mail: Link<MailModule>,
        storage: Link<StorageModule>,
        orders: Cell<Orders>,
        stock: Cell<Stock>,
        healths: Cell<All<dyn Health>>,
    }

    // `MailModule::{dyn Mailer, ..}`
    impl Imports<MailModule> for OrderModule {
        fn import(cells: &Cells) -> &Link<MailModule> {
            &cells.mail
        }
    }
    impl Provides<dyn Mailer> for OrderModule {
        type How = From<MailModule>;
    }

    // `StorageModule { .. }::{Journal, ..}`
    impl Imports<StorageModule> for OrderModule {
        fn import(cells: &Cells) -> &Link<StorageModule> {
            &cells.storage
        }
    }
    impl Provides<Journal> for OrderModule {
        type How = From<StorageModule>;
    }
    impl Provides<Database> for OrderModule {
        type How = From<StorageModule>;
    }
    impl Provides<Repository<User>> for OrderModule {
        type How = From<StorageModule>;
    }
    impl Provides<dyn Clock> for OrderModule {
        type How = From<StorageModule>;
    }
    /// Scoped, like `Query` below is transient: the module cannot see it and need not.
    impl Provides<Transaction> for OrderModule {
        type How = From<StorageModule>;
    }
    impl Provides<Query> for OrderModule {
        type How = From<StorageModule>;
    }

    // `Orders`
    impl Owns<Orders> for OrderModule {
        type By = Orders;
        const NODE: usize = ORDERS;
        const ENTRY: &'static str = "Orders";

        fn cell(cells: &Cells) -> &Cell<Orders> {
            &cells.orders
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Orders> {
            &mut cells.orders
        }
    }
    impl Provides<Orders> for OrderModule {
        type How = Own;
    }

    // `Stock`
    impl Owns<Stock> for OrderModule {
        type By = Stock;
        const NODE: usize = STOCK;
        const ENTRY: &'static str = "Stock";

        fn cell(cells: &Cells) -> &Cell<Stock> {
            &cells.stock
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Stock> {
            &mut cells.stock
        }
    }
    impl Provides<Stock> for OrderModule {
        type How = Own;
    }

    // `All<dyn Health>`, imported twice: two `Provides` of one set would be an error, so a node joins them.
    impl Owns<All<dyn Health>> for OrderModule {
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
    impl Provides<All<dyn Health>> for OrderModule {
        type How = Own;
    }

    const _: () = {
        fn _shared()
        where
            dyn Health: Object,
        {
        }
    };

    pub(crate) struct Healths;

    impl Source for Healths {
        type Output = All<dyn Health>;
        type Life = lifetime::Singleton;
        type Keep = lifetime::Wrapped;
    }

    impl Wire<OrderModule> for Healths {
        const EDGES: &'static [Edge] = &[
            imported::<OrderModule, MailModule, All<dyn Health>>("MailModule"),
            imported::<OrderModule, StorageModule, All<dyn Health>>("StorageModule"),
        ];

        fn make(cx: &Resolver<'_, OrderModule>) -> Result<Made<All<dyn Health>>> {
            let mut members: Vec<Arc<dyn Health>> = Vec::new();
            members.extend(take_imported::<OrderModule, MailModule, All<dyn Health>>(cx)?.iter().cloned());
            members.extend(take_imported::<OrderModule, StorageModule, All<dyn Health>>(cx)?.iter().cloned());
            Ok(Made::Ready(Arc::new(All::new(members))))
        }
    }

    // `optional = [Audit]`: what is provided or imported has an `Optional` already, so this cannot stand beside one.
    impl Optional<Audit> for OrderModule {
        const KEY: Option<Key> = None;

        fn option(_: &Resolver<'_, Self>) -> Result<Option<Arc<Audit>>> {
            Ok(None)
        }
    }

    impl Module for OrderModule {
        const NAME: &'static str = "OrderModule";
        const GRAPH: &'static [Node] =
            &[node::<Self, Orders>(), node::<Self, Stock>(), node::<Self, All<dyn Health>>()];
        /// Where the picture goes on. Modules that import each other stop the compilation here.
        const IMPORTS: &'static [Outline] = &[outline::<MailModule>(), outline::<StorageModule>()];
        const ORDER: &'static [usize] = &order::<NODES>(Self::NAME, Self::GRAPH);
        type Cells = Cells;

        /// The values of imports come from the module's own value: settings go down the tree.
        fn imports(&self, plan: &mut Plan) {
            plan.import::<Self, MailModule>(None);
            plan.import::<Self, StorageModule>(Some(StorageModule { settings: self.storage.clone() }));
        }

        /// `storage` is no provider, since it lacks `#[provide]`: it ends here.
        fn cells(self) -> Cells {
            Cells {
                mail: Link::open(),
                storage: Link::open(),
                orders: Cell::empty(),
                stock: Cell::empty(),
                healths: Cell::empty(),
            }
        }

        fn link(cells: &mut Cells, linker: &Linker) {
            cells.mail.set(linker);
            cells.storage.set(linker);
        }
    }

    const _: &[usize] = <OrderModule as Module>::ORDER;
    const _: &[Outline] = <OrderModule as Module>::IMPORTS;
};
