//! The picture of an application's graph, from constants alone.

use super::{Edge, Key, Kind, Node, Outline, outline};
use crate::Module;
use serde_json::{Value, json};
use std::any::TypeId;
use std::collections::HashMap;
use std::fmt::Write;

/// The graph of a module and of all that it imports, drawn without building anything.
///
/// Of two modules with one name, the second is shown as `Name_2`.
#[derive(Clone, Debug)]
pub struct Graph {
    modules: Vec<Drawn>,
}

#[derive(Clone, Debug)]
struct Drawn {
    name: String,
    owner: TypeId,
    nodes: &'static [Node],
}

impl Graph {
    /// The graph with `M` as its root.
    pub fn of<M: Module>() -> Self {
        let mut graph = Self { modules: Vec::new() };
        graph.add(outline::<M>(), &mut HashMap::new());
        graph
    }

    fn add(&mut self, module: Outline, named: &mut HashMap<&'static str, usize>) {
        let owner = (module.owner)();
        if self.modules.iter().any(|drawn| drawn.owner == owner) {
            return;
        }
        let times = named.entry(module.module).and_modify(|times| *times += 1).or_insert(1);
        let name = if *times == 1 { module.module.to_owned() } else { format!("{}_{times}", module.module) };
        self.modules.push(Drawn { name, owner, nodes: module.graph });
        for import in module.imports {
            self.add(*import, named);
        }
    }

    /// The name under which the owner of a provider is drawn.
    fn module_of(&self, key: &Key) -> &str {
        let owner = (key.owner)();
        self.modules.iter().find(|drawn| drawn.owner == owner).map_or(key.module, |drawn| &drawn.name)
    }

    /// How many providers there are, without handlers.
    pub fn provider_count(&self) -> usize {
        self.modules.iter().flat_map(|drawn| drawn.nodes.iter()).filter(|node| node.kind != Kind::Handler).count()
    }

    /// For Mermaid: a box a module, dotted arrows for lazy dependencies.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("graph TD\n");
        for Drawn { name: module, nodes, .. } in &self.modules {
            line(&mut out, format_args!("  subgraph {module}"));
            for (name, kind) in drawn(nodes) {
                let (open, close) = match kind {
                    Kind::Singleton => ("[", "]"),
                    Kind::Scoped => ("([", "])"),
                    Kind::Transient => ("{{", "}}"),
                    Kind::Handler => (">", "]"),
                };
                line(&mut out, format_args!("    {}{open}\"{}\"{close}", id(module, name), escaped(name)));
            }
            line(&mut out, format_args!("  end"));
        }
        self.arrows(|from, edge, to| {
            let arrow = if edge.lazy { "-.->" } else { "-->" };
            let plain = edge.field.chars().all(|c| c.is_alphanumeric() || c == '_');
            let label = if plain { edge.field.to_owned() } else { format!("\"{}\"", escaped(edge.field)) };
            line(&mut out, format_args!("  {from} {arrow}|{label}| {to}"));
        });
        out
    }

    /// For Graphviz.
    pub fn dot(&self) -> String {
        let mut out = String::from("digraph {\n  rankdir=LR\n");
        for Drawn { name: module, nodes, .. } in &self.modules {
            line(&mut out, format_args!("  subgraph cluster_{module} {{\n    label=\"{module}\""));
            for (name, kind) in drawn(nodes) {
                let shape = match kind {
                    Kind::Singleton => "box",
                    Kind::Scoped => "ellipse",
                    Kind::Transient => "hexagon",
                    Kind::Handler => "cds",
                };
                line(&mut out, format_args!("    {} [label=\"{name}\" shape={shape}]", id(module, name)));
            }
            line(&mut out, format_args!("  }}"));
        }
        self.arrows(|from, edge, to| {
            let style = if edge.lazy { " style=dashed" } else { "" };
            line(&mut out, format_args!("  {from} -> {to} [label=\"{}\"{style}]", edge.field));
        });
        out.push_str("}\n");
        out
    }

    /// For programs: `{"modules": [{"name", "nodes": [{"name", "kind", "edges": [{"field", "module", "to", "lazy"}]}]}]}`.
    /// In an optional dependency that is absent, `module` and `to` are null.
    pub fn json(&self) -> String {
        let modules: Vec<Value> = self.modules.iter().map(|drawn| self.json_module(drawn)).collect();
        json!({ "modules": modules }).to_string()
    }

    fn json_module(&self, drawn: &Drawn) -> Value {
        let nodes = drawn.nodes.iter().flat_map(|node| {
            let own = (node.kind != Kind::Handler).then(|| self.json_node(node.name, node.kind, node.edges.iter()));
            let handlers = node.handlers.iter();
            own.into_iter().chain(handlers.map(|handler| self.json_node(handler.name, Kind::Handler, handler.needs())))
        });
        json!({ "name": drawn.name, "nodes": nodes.collect::<Vec<_>>() })
    }

    fn json_node(&self, name: &str, kind: Kind, edges: impl Iterator<Item = &'static Edge>) -> Value {
        let kind = match kind {
            Kind::Singleton => "singleton",
            Kind::Scoped => "scoped",
            Kind::Transient => "transient",
            Kind::Handler => "handler",
        };
        let edges = edges.map(|edge| {
            let to = edge.to.as_ref();
            let module = to.map(|key| self.module_of(key));
            json!({ "field": edge.field, "module": module, "to": to.map(|key| key.name), "lazy": edge.lazy })
        });
        json!({ "name": name, "kind": kind, "edges": edges.collect::<Vec<_>>() })
    }

    fn arrows(&self, mut draw: impl FnMut(String, &Edge, String)) {
        for Drawn { name: module, nodes, .. } in &self.modules {
            for (from, edge) in nodes.iter().flat_map(edges_of) {
                if let Some(to) = &edge.to {
                    draw(id(module, from), edge, id(self.module_of(to), to.name));
                }
            }
        }
    }
}

/// What stands in the picture: providers, and the handlers of each entry.
fn drawn(nodes: &'static [Node]) -> impl Iterator<Item = (&'static str, Kind)> {
    nodes.iter().flat_map(|node| {
        let own = (node.kind != Kind::Handler).then_some((node.name, node.kind));
        own.into_iter().chain(node.handlers.iter().map(|handler| (handler.name, Kind::Handler)))
    })
}

fn edges_of(node: &'static Node) -> impl Iterator<Item = (&'static str, &'static Edge)> {
    let own = node.edges.iter().map(|edge| (node.name, edge));
    own.chain(node.handlers.iter().flat_map(|handler| handler.needs().map(|edge| (handler.name, edge))))
}

/// Mermaid reads the angles of a generic type as HTML.
fn escaped(text: &str) -> String {
    text.replace('<', "#lt;").replace('>', "#gt;")
}

fn id(module: &str, name: &str) -> String {
    format!("{module}_{name}").replace(|c: char| !c.is_alphanumeric(), "_")
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _infallible = writeln!(out, "{text}");
}
