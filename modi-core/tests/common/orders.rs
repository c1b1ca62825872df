// A module with one service, as the attributes write it:
//
//     #[injectable]
//     pub struct Orders { #[default] count: AtomicUsize }
//
//     #[module(providers = [Orders])]
//     pub struct OrderModule;

use modi_core::graph::order;
use modi_core::lifetime;
use modi_core::module::{Cell, Owns, Provides};
use modi_core::provide::Own;
use modi_core::service::{Made, Source, Wire, node};
use modi_core::{Edge, Module, Node, Resolver, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts orders.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    count: AtomicUsize,
}

impl Orders {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// One more.
    #[allow(dead_code, reason = "not every includer places one")]
    pub(crate) fn place(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Source for Orders {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
}

impl<M: Module> Wire<M> for Orders {
    const EDGES: &'static [Edge] = &[];

    fn make(_: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self { count: AtomicUsize::default() })))
    }
}

/// Provides [`Orders`].
#[derive(Debug)]
pub(crate) struct OrderModule;

/// Where it keeps them.
#[derive(Debug)]
pub(crate) struct Cells {
    orders: Cell<Orders>,
}

impl Owns<Orders> for OrderModule {
    type By = Orders;
    const NODE: usize = 0;
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

impl Module for OrderModule {
    const NAME: &'static str = "OrderModule";
    const GRAPH: &'static [Node] = &[node::<Self, Orders>()];
    const ORDER: &'static [usize] = &order::<1>(Self::NAME, Self::GRAPH);
    type Cells = Cells;

    fn unit() -> Option<Self> {
        Some(Self)
    }
    fn cells(self) -> Cells {
        Cells { orders: Cell::empty() }
    }
}
