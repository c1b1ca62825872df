//! What the compiler evaluates: the order of start-up, and every cycle and captive dependency of a module.

use super::{Edge, Key, Kind, Node};

/// How many entries a module may have.
pub const MAX: usize = 1024;

/// The order in which the entries of a module can be built: what an entry needs comes before it.
///
/// Stops the compilation with every cycle, or else every captive dependency, of the module.
///
/// # Panics
///
/// In a constant, as a compile error: for a cycle, for a captive dependency, and for more than [`MAX`] entries.
#[expect(clippy::panic, reason = "stops the compilation: the function is evaluated by the compiler")]
#[track_caller]
pub const fn order<const N: usize>(module: &'static str, graph: &'static [Node]) -> [usize; N] {
    assert!(graph.len() <= MAX, "a module has at most 1024 entries: split it");
    assert!(graph.len() == N, "the order of a graph has as many places as the graph");
    let (order, mut problems) = sort::<N>(graph);
    if problems.len == 0 {
        problems = captives(graph, problems);
    }
    if problems.len > 0 {
        let text = Text::new().push("\n\n  module `").push(module).push("`").push(problems.as_str()).push("\n");
        panic!("{}", text.as_str());
    }
    order
}

/// Depth first over the module's own entries: the order in which they are left, and a text for every cycle.
/// Imports cannot come back, so a cycle is always inside one module.
const fn sort<const N: usize>(graph: &'static [Node]) -> ([usize; N], Text) {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const LEFT: u8 = 2;
    let (mut order, mut done) = ([0; N], 0);
    let mut problems = Text::new();
    let (mut state, mut path, mut next) = ([NEW; N], [0; N], [0; N]);
    let mut root = 0;
    while root < N {
        let mut depth = 0;
        if state[root] == NEW {
            state[root] = OPEN;
            path[0] = root;
            depth = 1;
        }
        while depth > 0 {
            let at = path[depth - 1];
            if next[at] == graph[at].edges.len() {
                state[at] = LEFT;
                order[done] = at;
                done += 1;
                depth -= 1;
                continue;
            }
            let edge = &graph[at].edges[next[at]];
            next[at] += 1;
            if let (Some(Key { graph: None, node, .. }), false) = (&edge.to, edge.lazy) {
                if state[*node] == NEW {
                    state[*node] = OPEN;
                    path[depth] = *node;
                    depth += 1;
                } else if state[*node] == OPEN {
                    problems = cycle(graph, &path, depth, &next, *node, problems);
                }
            }
        }
        root += 1;
    }
    (order, problems)
}

const fn cycle<const N: usize>(
    graph: &'static [Node],
    path: &[usize; N],
    depth: usize,
    next: &[usize; N],
    back_to: usize,
    mut text: Text,
) -> Text {
    let mut i = 0;
    while path[i] != back_to {
        i += 1;
    }
    text = text.push("\n  dependency cycle\n    ").push(graph[back_to].name);
    while i < depth {
        let edge = &graph[path[i]].edges[next[path[i]] - 1];
        text = text.push(" --").push(edge.field).push("--> ");
        if let Some(key) = &edge.to {
            text = text.push(key.name);
        }
        i += 1;
    }
    text.push(match graph[back_to].kind {
        Kind::Singleton => "\n    help: make one of these fields a `Lazy<_>`",
        _ => "\n    help: move what both need into a third service (`Lazy<_>` is for singletons)",
    })
}

const fn captives(graph: &'static [Node], mut text: Text) -> Text {
    let mut i = 0;
    while i < graph.len() {
        if let (Kind::Singleton, Some(_)) = (graph[i].kind, scoped_edge(graph, graph[i].edges)) {
            text = text.push("\n  captive dependency: a singleton would keep a scoped service for ever\n    ");
            text = text.push(graph[i].name);
            let (mut here, mut edges) = (graph, graph[i].edges);
            while let Some(Edge { field, to: Some(key), .. }) = scoped_edge(here, edges) {
                text = text.push(" --").push(field).push("--> ");
                if key.graph.is_some() {
                    text = text.push(key.module).push("::");
                }
                text = text.push(key.name);
                if matches!(key.kind, Kind::Scoped) {
                    break;
                }
                here = key.graph(here);
                edges = here[key.node].edges;
            }
            text = text
                .push(" (scoped)\n    help: make `")
                .push(graph[i].name)
                .push("` scoped, or take the service in the handler");
        }
        i += 1;
    }
    text
}

/// The first of `edges` that ends at a scoped service, directly or through transients.
pub(crate) const fn scoped_edge(here: &'static [Node], edges: &'static [Edge]) -> Option<&'static Edge> {
    let mut i = 0;
    while i < edges.len() {
        if let (Some(key), false) = (&edges[i].to, edges[i].lazy) {
            let reaches = match key.kind {
                Kind::Scoped => true,
                Kind::Transient => {
                    let graph = key.graph(here);
                    scoped_edge(graph, graph[key.node].edges).is_some()
                }
                Kind::Singleton | Kind::Handler => false,
            };
            if reaches {
                return Some(&edges[i]);
            }
        }
        i += 1;
    }
    None
}

/// A string that grows inside a constant. What does not fit is cut.
#[derive(Clone, Copy)]
struct Text {
    bytes: [u8; 8192],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Self { bytes: [0; 8192], len: 0 }
    }

    const fn push(mut self, more: &str) -> Self {
        let more = more.as_bytes();
        if self.len + more.len() <= self.bytes.len() {
            let mut i = 0;
            while i < more.len() {
                self.bytes[self.len] = more[i];
                self.len += 1;
                i += 1;
            }
        }
        self
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}
