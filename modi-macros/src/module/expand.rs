//! What `#[module]` writes: the struct's part in the container, inside one nameless constant.

use super::model::{Made, Module, Node};
use super::parse::Entry;
use crate::place::{around, ends, over, shared};
use crate::pretty::pretty;
use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, Type, parse_quote};

pub(crate) fn module(module: &Module) -> TokenStream {
    let ident = &module.ident;
    let name = ident.to_string();
    let (links, nodes) = (links(module), nodes(module));
    let (cells, numbers) = (cells(module), numbers(&module.nodes));
    let implementation = implementation(module, &name);
    let exports = module.exports.iter().map(|Entry { cfg, item }| {
        let cfg = attribute(cfg);
        let exports = implement("Exports", item, ident, TokenStream::new());
        quote!(#cfg #exports)
    });
    let absent = module.absent.iter().map(|Entry { cfg, item }| {
        let cfg = attribute(cfg);
        let none = quote! {
            const KEY: ::core::option::Option<::modi::__private::Key> = ::core::option::Option::None;
            fn option(_: &::modi::__private::Resolver<'_, Self>) -> ::modi::Result<::core::option::Option<::std::sync::Arc<#item>>> {
                ::core::result::Result::Ok(::core::option::Option::None)
            }
        };
        let optional = implement("Optional", item, ident, none);
        quote!(#cfg #optional)
    });
    quote! {
        const _: () = {
            #numbers
            #cells
            #links
            #nodes
            #(#exports)*
            #(#absent)*
            #implementation
            const _: &[usize] = <#ident as ::modi::__private::Module>::ORDER;
            const _: &[::modi::__private::Outline] = <#ident as ::modi::__private::Module>::IMPORTS;
        };
    }
}

/// The number of each node. With `#[cfg]` on an entry the numbers behind it depend on it.
fn numbers(nodes: &[Node]) -> TokenStream {
    let mut before = quote!(0usize);
    let mut out = TokenStream::new();
    for (at, node) in nodes.iter().enumerate() {
        let number = number(at);
        out.extend(quote!(const #number: usize = #before;));
        before = match &node.cfg {
            None => quote!(#number + 1),
            Some(cfg) => quote!(#number + cfg!(#cfg) as usize),
        };
    }
    quote!(#out const NODES: usize = #before;)
}

fn cells(module: &Module) -> TokenStream {
    let links = module.links.iter().enumerate().map(|(at, link)| {
        let (cfg, field, link) = (attribute(&link.cfg), link_field(at), link_to(&link.module));
        quote!(#cfg #field: #link)
    });
    let nodes = module.nodes.iter().enumerate().map(|(at, node)| {
        let (cfg, field, output) = (attribute(&node.cfg), Node::cell(at), &node.output);
        quote!(#cfg #field: ::modi::__private::Cell<#output>)
    });
    quote! {
        #[allow(missing_debug_implementations, reason = "nobody can name it")]
        pub struct Cells { #(#links,)* #(#nodes,)* }
    }
}

fn links(module: &Module) -> TokenStream {
    let ident = &module.ident;
    let links = module.links.iter().enumerate().map(|(at, link)| {
        let (cfg, field, target) = (attribute(&link.cfg), link_field(at), &link.module);
        let items = link.items.iter().map(|Entry { cfg: item_cfg, item }| {
            let item_cfg = attribute(item_cfg);
            let how = over(item, |at| quote_spanned!(at=> ::modi::__private::provide::From<#target>));
            let provides = implement("Provides", item, ident, quote!(type How = #how;));
            quote!(#cfg #item_cfg #provides)
        });
        let link = link_to(target);
        let import = quote!(#[inline] fn import(cells: &Cells) -> &#link { &cells.#field });
        let imports = implement("Imports", &parse_quote!(#target), ident, import);
        quote!(#cfg #imports #(#items)*)
    });
    quote!(#(#links)*)
}

fn nodes(module: &Module) -> TokenStream {
    let ident = &module.ident;
    let nodes = module.nodes.iter().enumerate().map(|(at, node)| {
        let (cfg, field, number) = (attribute(&node.cfg), Node::cell(at), number(at));
        let Node { name, output, .. } = node;
        let (by, maker) = maker(ident, at, node);
        let own = quote! {
            type By = #by;
            const NODE: usize = #number;
            const ENTRY: &'static str = #name;
            #[inline]
            fn cell(cells: &Cells) -> &::modi::__private::Cell<#output> { &cells.#field }
            #[inline]
            fn cell_mut(cells: &mut Cells) -> &mut ::modi::__private::Cell<#output> { &mut cells.#field }
        };
        let owns = implement("Owns", output, ident, own);
        let how = quote! { type How = ::modi::__private::provide::Own; };
        let provides = implement("Provides", output, ident, how);
        quote!(#cfg #owns #cfg #provides #maker)
    });
    quote!(#(#nodes)*)
}

/// Who makes a node, and what has to be written for it.
fn maker(ident: &Ident, at: usize, node: &Node) -> (TokenStream, TokenStream) {
    let (output, cfg) = (&node.output, attribute(&node.cfg));
    let marker = format_ident!("Make{at}", span = ends(output).0);
    match &node.made {
        Made::Value(..) => (quote!(::modi::__private::Value<#output>), TokenStream::new()),
        Made::By(by) => (quote!(#by), TokenStream::new()),
        Made::As { of } => {
            let of = quote!(<#of as ::modi::__private::Source>);
            let lasts = quote!(<#of::Life as ::modi::__private::lifetime::Lifetime>::LASTS);
            let life = quote!(::modi::__private::lifetime::Alias<{ #lasts }>);
            let service = quote!(::std::sync::Arc<#of::Output>);
            let edges = quote!(::modi::__private::edge::<#ident, #service>("as"));
            let coerced = over(output, |at| quote_spanned!(at=> service));
            let make = quote! {
                let service: #service = ::modi::__private::take(cx)?;
                ::core::result::Result::Ok(::modi::__private::Made::Ready(#coerced))
            };
            let shared = shared(output);
            let made = made(ident, &cfg, &marker, output, &life, &edges, &make);
            (over(output, |at| quote_spanned!(at=> #marker<#output>)), quote!(#cfg #shared #made))
        }
        Made::All { object, members, imported } => {
            let (edges, make) = set(ident, object, members, imported);
            let life = quote!(::modi::__private::lifetime::Singleton);
            let shared = shared(object);
            let made = made(ident, &cfg, &marker, output, &life, &edges, &make);
            (over(output, |at| quote_spanned!(at=> #marker<#output>)), quote!(#cfg #shared #made))
        }
    }
}

/// The marker is public, and no more than its output is where it names it: as visible as it has to be.
fn made(
    ident: &Ident,
    cfg: &TokenStream,
    marker: &Ident,
    output: &Type,
    life: &TokenStream,
    edges: &TokenStream,
    make: &TokenStream,
) -> TokenStream {
    quote! {
        #cfg
        #[allow(missing_debug_implementations, reason = "nobody can name it")]
        pub struct #marker<T: ?Sized>(::core::marker::PhantomData<T>);
        #cfg
        impl ::modi::__private::Source for #marker<#output> {
            type Output = #output;
            type Life = #life;
            type Keep = ::modi::__private::lifetime::Wrapped;
        }
        #cfg
        impl ::modi::__private::Wire<#ident> for #marker<#output> {
            const EDGES: &'static [::modi::__private::Edge] = &[#edges];
            fn make(cx: &::modi::__private::Resolver<'_, #ident>) -> ::modi::Result<::modi::__private::Made<#output>> {
                #make
            }
        }
    }
}

fn set(ident: &Ident, object: &Type, members: &[Entry<Type>], imported: &[Entry<Path>]) -> (TokenStream, TokenStream) {
    let mut edges = TokenStream::new();
    let mut pushes = TokenStream::new();
    for Entry { cfg, item } in members {
        let (cfg, name) = (attribute(cfg), pretty(item));
        let service = quote!(::std::sync::Arc<<#item as ::modi::__private::Source>::Output>);
        edges.extend(quote!(#cfg ::modi::__private::edge::<#ident, #service>(#name),));
        let member = over(item, |at| quote_spanned!(at=> member));
        pushes.extend(quote!(#cfg { let member: #service = ::modi::__private::take(cx)?; members.push(#member); }));
    }
    for Entry { cfg, item } in imported {
        let (cfg, name) = (attribute(cfg), pretty(item));
        let all = quote!(::modi::All<#object>);
        edges.extend(quote!(#cfg ::modi::__private::imported::<#ident, #item, #all>(#name),));
        pushes.extend(
            quote!(#cfg members.extend(::modi::__private::take_imported::<#ident, #item, #all>(cx)?.iter().cloned());),
        );
    }
    let make = quote! {
        let mut members: ::std::vec::Vec<::std::sync::Arc<#object>> = ::std::vec::Vec::new();
        #pushes
        ::core::result::Result::Ok(::modi::__private::Made::Ready(::std::sync::Arc::new(::modi::All::new(members))))
    };
    (edges, make)
}

fn implementation(module: &Module, name: &str) -> TokenStream {
    let ident = &module.ident;
    let graph = module.nodes.iter().map(|node| {
        let (cfg, output) = (attribute(&node.cfg), &node.output);
        match (&node.made, node.subscribes) {
            (Made::By(by), true) => quote! {
                #cfg ::modi::__private::node_with::<Self, #output>(<#by as ::modi::__private::Subscribes<Self>>::HANDLERS)
            },
            _ => quote!(#cfg ::modi::__private::node::<Self, #output>()),
        }
    });
    let unit = module.unit.then(|| {
        quote! {
            fn unit() -> ::core::option::Option<Self> { ::core::option::Option::Some(Self {}) }
        }
    });
    let imports = module.links.iter().map(|link| {
        let (cfg, target) = (attribute(&link.cfg), &link.module);
        let value = match &link.value {
            Some(value) => quote!(::core::option::Option::Some(#value)),
            None => quote!(::core::option::Option::None),
        };
        quote!(#cfg plan.import::<Self, #target>(#value);)
    });
    let outlines = module.links.iter().map(|link| {
        let (cfg, target) = (attribute(&link.cfg), &link.module);
        quote!(#cfg ::modi::__private::outline::<#target>())
    });
    // A cycle of modules is an error of this constant: it stands at the imports.
    let targets = module.links.iter().map(|link| &link.module);
    let (first, last) = ends(&quote!(#(#targets)*));
    let mut outlines = quote_spanned!(last=> &'static [::modi::__private::Outline] = &[#(#outlines),*];);
    outlines = quote_spanned!(first=> const IMPORTS: #outlines);
    let layers = module.middleware.iter().map(|Entry { cfg, item }| (attribute(cfg), item));
    let around = around(&parse_quote!(Self), layers);
    let open_links = module.links.iter().enumerate().map(|(at, link)| {
        let (cfg, field) = (attribute(&link.cfg), link_field(at));
        quote!(#cfg #field: ::modi::__private::Link::open())
    });
    let set_links = module.links.iter().enumerate().map(|(at, link)| {
        let (cfg, field) = (attribute(&link.cfg), link_field(at));
        quote!(#cfg ::modi::__private::Link::set(&mut cells.#field, linker);)
    });
    let cells = module.nodes.iter().enumerate().map(|(at, node)| {
        let (cfg, field) = (attribute(&node.cfg), Node::cell(at));
        let value = match &node.made {
            Made::Value(member, true) => quote!(::modi::__private::Cell::full(self.#member)),
            Made::Value(member, false) => quote!(::modi::__private::Cell::full(::std::sync::Arc::new(self.#member))),
            _ => quote!(::modi::__private::Cell::empty()),
        };
        quote!(#cfg #field: #value)
    });
    quote! {
        #[automatically_derived]
        impl ::modi::__private::Module for #ident {
            const NAME: &'static str = #name;
            const GRAPH: &'static [::modi::__private::Node] = &[#(#graph),*];
            #outlines
            #around
            const ORDER: &'static [usize] = &::modi::__private::order::<NODES>(Self::NAME, Self::GRAPH);
            type Cells = Cells;
            #unit
            #[allow(unused_variables, reason = "a module without imports")]
            fn imports(&self, plan: &mut ::modi::__private::Plan) { #(#imports)* }
            fn cells(self) -> Cells { Cells { #(#open_links,)* #(#cells,)* } }
            #[allow(unused_variables, reason = "a module without imports")]
            fn link(cells: &mut Cells, linker: &::modi::__private::Linker) { #(#set_links)* }
        }
    }
}

/// `impl Part<Item> for Module { .. }` in the place of the item: where two are in conflict or one lacks what it needs, the
/// compiler points at entries.
fn implement(part: &str, item: &Type, ident: &Ident, body: TokenStream) -> TokenStream {
    let (first, last) = ends(item);
    let (part, mut ident, mut body) = (Ident::new(part, first), ident.clone(), Group::new(Delimiter::Brace, body));
    ident.set_span(last);
    body.set_span(last);
    quote_spanned!(first=> impl ::modi::__private::#part<#item> for #ident #body)
}

fn link_to(module: &Path) -> TokenStream {
    over(module, |at| quote_spanned!(at=> ::modi::__private::Link<#module>))
}

fn number(at: usize) -> Ident {
    format_ident!("NODE{at}")
}

fn link_field(at: usize) -> Ident {
    format_ident!("i{at}")
}

fn attribute(cfg: &Option<TokenStream>) -> TokenStream {
    cfg.as_ref().map(|cfg| quote!(#[cfg(#cfg)])).unwrap_or_default()
}
