//! Modules with a probe and some functions, for tests of one thing each.

/// A module with these handlers.
macro_rules! stage {
    ($module:ident: $($marker:ident $name:expr),* $(,)?) => {
        pub(crate) struct $module;

        pub(crate) struct Cells {
            probe: modi_core::module::Cell<crate::shop::Probe>,
            functions: modi_core::module::Cell<crate::shop::Functions>,
        }

        impl modi_broker::Subscribes<$module> for crate::shop::Functions {
            const HANDLERS: &'static [modi_core::HandlerNode] = &[$(modi_broker::handler::<$module, $marker>($name)),*];
        }
        const _: () = {
            use crate::shop::{Functions, Probe, own};
            use modi_core::graph::{Node, order};
            use modi_core::module::{Cell, Module, Owns, Provides};
            use modi_core::provide;
            use modi_core::service::{node, node_with};

            own!($module, Cells, 0 probe: Probe);
            own!($module, Cells, 1 functions: Functions);

            impl Module for $module {
                const NAME: &'static str = stringify!($module);
                const GRAPH: &'static [Node] = &[
                    node::<Self, Probe>(),
                    node_with::<Self, Functions>(<Functions as modi_broker::Subscribes<Self>>::HANDLERS),
                ];
                const ORDER: &'static [usize] = &order::<2>(Self::NAME, Self::GRAPH);
                type Cells = Cells;

                fn unit() -> Option<Self> {
                    Some(Self)
                }
                fn cells(self) -> Cells {
                    Cells { probe: Cell::empty(), functions: Cell::empty() }
                }
            }
        };
    };
}
pub(crate) use stage;
