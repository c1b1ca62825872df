//! What the lists of `#[module]` come to: links to imports, nodes, names.

use super::parse::{Alias, Entry, Lists, Provider};
use crate::attribute::{Mistakes, take};
use crate::place::over;
use crate::pretty::pretty;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::collections::{HashMap, HashSet};
use syn::{GenericArgument, Ident, ItemStruct, Path, PathArguments, Type, parse_quote};

/// A module, ready to be written.
pub(crate) struct Module {
    pub(crate) ident: Ident,
    pub(crate) unit: bool,
    pub(crate) links: Vec<Link>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) exports: Vec<Entry<Type>>,
    pub(crate) absent: Vec<Entry<Type>>,
    /// What stands around its handlers, outermost first.
    pub(crate) middleware: Vec<Entry<Type>>,
}

/// A module that is imported.
pub(crate) struct Link {
    pub(crate) cfg: Option<TokenStream>,
    pub(crate) module: Path,
    pub(crate) value: Option<TokenStream>,
    pub(crate) items: Vec<Entry<Type>>,
}

/// A row of the graph.
pub(crate) struct Node {
    pub(crate) cfg: Option<TokenStream>,
    pub(crate) name: String,
    /// What is provided.
    pub(crate) output: Type,
    pub(crate) made: Made,
    /// The entry of `subscribers` that it stands for.
    pub(crate) subscribes: bool,
}

/// How a node gets its value.
pub(crate) enum Made {
    /// A field of the module struct; `true` where it is an `Arc` already.
    Value(syn::Member, bool),
    /// A type or a function of the user's.
    By(Type),
    /// Another name for the node of `of`.
    As { of: Type },
    /// A set.
    All { object: Type, members: Vec<Entry<Type>>, imported: Vec<Entry<Path>> },
}

impl Module {
    pub(crate) fn new(item: &mut ItemStruct, lists: Lists, mistakes: &mut Mistakes) -> Self {
        if let Some(parameter) = item.generics.params.first() {
            mistakes.at(
                parameter,
                "a module cannot be generic: it is one value in an application, and an importer names it; make its services generic instead",
            );
        }
        let mut builder = Builder { nodes: values(item, mistakes), made_by: HashMap::new(), sets: Vec::new() };
        provided_once(&lists.providers, mistakes);
        for provider in lists.providers {
            builder.provider(provider);
        }
        for subscriber in lists.subscribers {
            builder.subscriber(subscriber, mistakes);
        }
        let mut links: Vec<Link> = lists
            .imports
            .into_iter()
            .map(|Entry { cfg, item }| Link { cfg, module: item.module, value: item.value, items: item.items })
            .collect();
        once(links.iter().map(|link| (&link.cfg, &link.module)), mistakes, |name| {
            format!("`{name}` is imported twice: name all of its items in one entry")
        });
        builder.sets(&mut links);
        imported_once(&links, &builder.nodes, mistakes);
        once(lists.exports.iter().map(|entry| (&entry.cfg, &entry.item)), mistakes, |name| {
            format!("`{name}` is exported twice")
        });
        once(lists.middleware.iter().map(|entry| (&entry.cfg, &entry.item)), mistakes, |name| {
            format!("`{name}` is listed twice")
        });
        absent(&lists.optional, &links, &builder.nodes, mistakes);
        once(lists.optional.iter().map(|entry| (&entry.cfg, &entry.item)), mistakes, |name| {
            format!("`{name}` is listed twice")
        });
        Self {
            ident: item.ident.clone(),
            unit: item.fields.is_empty(),
            links,
            nodes: builder.nodes,
            exports: lists.exports,
            absent: lists.optional,
            middleware: lists.middleware,
        }
    }

    /// The same where there is a mistake: still a module, so that what names it adds no error that it is none.
    pub(crate) fn emptied(self) -> Self {
        Self {
            links: Vec::new(),
            nodes: Vec::new(),
            exports: Vec::new(),
            absent: Vec::new(),
            middleware: Vec::new(),
            ..self
        }
    }
}

/// The fields with `#[provide]`.
fn values(item: &mut ItemStruct, mistakes: &mut Mistakes) -> Vec<Node> {
    let mut nodes = Vec::new();
    for (at, field) in item.fields.iter_mut().enumerate() {
        let provide = take(&mut field.attrs, "provide");
        let [provide, ..] = provide.as_slice() else { continue };
        if !matches!(provide.meta, syn::Meta::Path(_)) {
            mistakes.at(provide, "`#[provide]` takes no arguments");
        }
        let member = field.ident.clone().map_or_else(|| syn::Member::from(at), syn::Member::from);
        let (output, is_arc) = match inside(&field.ty, "Arc") {
            Some(inner) => (inner.clone(), true),
            None => (field.ty.clone(), false),
        };
        nodes.push(Node {
            cfg: None,
            name: pretty(&output),
            output,
            made: Made::Value(member, is_arc),
            subscribes: false,
        });
    }
    nodes
}

struct Set {
    object: Type,
    members: Vec<Entry<Type>>,
}

struct Builder {
    nodes: Vec<Node>,
    /// The node that a type or a function makes, by its spelling: a module may have hundreds.
    made_by: HashMap<String, usize>,
    sets: Vec<Set>,
}

impl Builder {
    fn provider(&mut self, Entry { cfg, item: Provider { by, name } }: Entry<Provider>) {
        let Some(alias) = name else {
            // Another entry may already have brought it in under the name of a trait.
            match self.find(&by) {
                Some(at) if self.nodes[at].cfg.is_none() || cfg.is_some() && same(&self.nodes[at].cfg, &cfg) => {}
                Some(at) if cfg.is_none() => self.nodes[at].cfg = None,
                _ => self.push(own(cfg, by)),
            }
            return;
        };
        match self.find(&by) {
            Some(at) => self.nodes[at].cfg = either(self.nodes[at].cfg.take(), cfg.clone()),
            None => self.push(own(cfg.clone(), by.clone())),
        }
        match alias {
            Alias::One(object) => {
                let name = pretty(&object);
                self.nodes.push(Node { cfg, name, output: object, made: Made::As { of: by }, subscribes: false });
            }
            Alias::All(object) => {
                let member = Entry { cfg, item: by };
                let text = pretty(&object);
                match self.sets.iter_mut().find(|set| pretty(&set.object) == text) {
                    Some(set) => set.members.push(member),
                    None => self.sets.push(Set { object, members: vec![member] }),
                }
            }
        }
    }

    fn subscriber(&mut self, Entry { cfg, item }: Entry<Type>, mistakes: &mut Mistakes) {
        match self.find(&item) {
            Some(at) if self.nodes[at].subscribes => mistakes.at(&item, format!("`{}` is listed twice", pretty(&item))),
            Some(at) => self.nodes[at].subscribes = true,
            None => self.push(Node { subscribes: true, ..own(cfg, item) }),
        }
    }

    fn find(&self, by: &Type) -> Option<usize> {
        self.made_by.get(&pretty(by)).copied()
    }

    fn push(&mut self, node: Node) {
        if matches!(node.made, Made::By(_)) {
            self.made_by.insert(node.name.clone(), self.nodes.len());
        }
        self.nodes.push(node);
    }

    /// A set with members of its own, or one that is imported from several modules, becomes a node that joins them.
    fn sets(&mut self, links: &mut [Link]) {
        let mut objects: Vec<Set> = std::mem::take(&mut self.sets);
        for (at, link) in links.iter().enumerate() {
            for object in link.items.iter().filter_map(|item| inside(&item.item, "All")) {
                let text = pretty(object);
                let elsewhere = links.iter().enumerate().any(|(other, link)| {
                    other != at
                        && link
                            .items
                            .iter()
                            .filter_map(|item| inside(&item.item, "All"))
                            .any(|other| pretty(other) == text)
                });
                if elsewhere && !objects.iter().any(|set| pretty(&set.object) == text) {
                    objects.push(Set { object: object.clone(), members: Vec::new() });
                }
            }
        }
        for Set { object, members } in objects {
            let text = pretty(&object);
            let mut imported = Vec::new();
            for link in links.iter_mut() {
                link.items.retain(|item| {
                    let joined = inside(&item.item, "All").is_some_and(|inner| pretty(inner) == text);
                    if joined {
                        let cfg = both(link.cfg.clone(), item.cfg.clone());
                        imported.push(Entry { cfg, item: link.module.clone() });
                    }
                    !joined
                });
            }
            let conditions =
                members.iter().map(|member| member.cfg.clone()).chain(imported.iter().map(|import| import.cfg.clone()));
            let cfg = conditions.reduce(either).flatten();
            let output: Type = parse_quote!(::modi::All<#object>);
            self.nodes.push(Node {
                cfg,
                name: format!("All<{text}>"),
                output,
                made: Made::All { object, members, imported },
                subscribes: false,
            });
        }
    }
}

/// By convention a function begins with a lower-case letter, a type does not. A type is named as it is: the compiler
/// compares hundreds of names quickly, but not hundreds of projections. For a type of lower case both are the same.
fn own(cfg: Option<TokenStream>, by: Type) -> Node {
    let is_function = match &by {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident.to_string().starts_with(char::is_lowercase))
        }
        _ => false,
    };
    let output = if is_function {
        // At the user's entry, so that what is provided twice is shown there.
        Type::Verbatim(over(&by, |at| quote_spanned!(at=> <#by as ::modi::__private::Source>::Output)))
    } else {
        by.clone()
    };
    Node { cfg, name: pretty(&by), output, made: Made::By(by), subscribes: false }
}

fn either(a: Option<TokenStream>, b: Option<TokenStream>) -> Option<TokenStream> {
    let (a, b) = (a?, b?);
    Some(quote!(any(#a, #b)))
}

fn both(a: Option<TokenStream>, b: Option<TokenStream>) -> Option<TokenStream> {
    match (a, b) {
        (Some(a), Some(b)) => Some(quote!(all(#a, #b))),
        (one, other) => one.or(other),
    }
}

fn same(a: &Option<TokenStream>, b: &Option<TokenStream>) -> bool {
    a.as_ref().map(ToString::to_string) == b.as_ref().map(ToString::to_string)
}

/// `T` of `Arc<T>`.
fn inside<'a>(ty: &'a Type, wrapper: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == wrapper)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) => Some(inner),
        _ => None,
    }
}

/// What is spelled the same twice, where no `#[cfg]` may keep the two apart. Other spellings are left to the compiler.
fn once<'a, T: ToTokens + 'a>(
    entries: impl Iterator<Item = (&'a Option<TokenStream>, &'a T)>,
    mistakes: &mut Mistakes,
    text: impl Fn(&str) -> String,
) {
    let mut seen: HashSet<String> = HashSet::new();
    for (_, entry) in entries.filter(|(cfg, _)| cfg.is_none()) {
        let name = pretty(entry);
        if seen.contains(&name) {
            mistakes.at(entry, text(&name));
        }
        seen.insert(name);
    }
}

fn provided_once(providers: &[Entry<Provider>], mistakes: &mut Mistakes) {
    let mut seen: HashSet<String> = HashSet::new();
    for Entry { cfg: _, item } in providers.iter().filter(|entry| entry.cfg.is_none()) {
        let by = pretty(&item.by);
        let (key, text, at) = match &item.name {
            None => (by.clone(), format!("`{by}` is provided twice"), item.by.to_token_stream()),
            Some(Alias::One(object)) => {
                let object_name = pretty(object);
                (object_name.clone(), format!("`{object_name}` is provided twice"), object.to_token_stream())
            }
            Some(Alias::All(object)) => {
                let object_name = pretty(object);
                (
                    format!("{by} in {object_name}"),
                    format!("`{by}` joins the set of `{object_name}` twice"),
                    item.by.to_token_stream(),
                )
            }
        };
        if !seen.insert(key) {
            mistakes.at(at, text);
        }
    }
}

fn imported_once(links: &[Link], nodes: &[Node], mistakes: &mut Mistakes) {
    let mut seen: Vec<(String, String)> = Vec::new();
    for link in links {
        let module = pretty(&link.module);
        for item in link.items.iter().filter(|item| link.cfg.is_none() && item.cfg.is_none()) {
            let name = pretty(&item.item);
            if nodes.iter().any(|node| node.cfg.is_none() && node.name == name) {
                mistakes.at(
                    &item.item,
                    format!("`{name}` is provided here and imported from `{module}`: keep one of the two"),
                );
            } else if let Some((_, other)) = seen.iter().find(|(other, _)| *other == name) {
                mistakes.at(
                    &item.item,
                    format!("`{name}` is imported from `{other}` and from `{module}`: keep one of the two"),
                );
            }
            seen.push((name, module.clone()));
        }
    }
}

fn absent(optional: &[Entry<Type>], links: &[Link], nodes: &[Node], mistakes: &mut Mistakes) {
    for Entry { item, .. } in optional.iter().filter(|entry| entry.cfg.is_none()) {
        let name = pretty(item);
        let mut given = links.iter().filter(|link| link.cfg.is_none()).flat_map(|link| &link.items);
        if nodes.iter().any(|node| node.cfg.is_none() && node.name == name)
            || given.any(|given| given.cfg.is_none() && pretty(&given.item) == name)
        {
            mistakes.at(item, format!("`{name}` is listed as absent, and provided or imported: keep one of the two"));
        }
    }
}

impl Node {
    /// The field that holds it.
    pub(crate) fn cell(at: usize) -> Ident {
        format_ident!("n{at}")
    }
}
