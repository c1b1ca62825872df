// A module with nothing in it, as `#[module] struct Empty;` writes it.

use modi_core::{Module, graph::Node};

pub struct Empty;

impl Module for Empty {
    const NAME: &'static str = "Empty";
    const GRAPH: &'static [Node] = &[];
    const ORDER: &'static [usize] = &[];
    type Cells = ();

    fn unit() -> Option<Self> {
        Some(Self)
    }
    fn cells(self) {}
}
