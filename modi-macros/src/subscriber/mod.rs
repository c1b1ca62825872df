//! `#[subscriber]`: on a function, or on an `impl` block whose methods have `#[subscribe]`.

mod batch;
mod expand;
mod options;

use crate::attribute::{Mistakes, take};
use options::Options;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{
    FnArg, GenericParam, Ident, ImplItem, Item, ItemFn, ItemImpl, Meta, Pat, ReturnType, Signature, Type, parse_quote,
    parse2,
};

pub(crate) fn expand(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let parsed: Item = match parse2(item.clone()) {
        Ok(parsed) => parsed,
        Err(error) => {
            let error = error.to_compile_error();
            return quote!(#error #item);
        }
    };
    let mut mistakes = Mistakes::default();
    let (item, code) = match parsed {
        Item::Fn(item) => from_fn(item, attribute, &mut mistakes),
        Item::Impl(item) => from_impl(item, &attribute, &mut mistakes),
        other => {
            let text = "`#[subscriber(\"topic\")]` goes on a function, `#[subscriber]` on an `impl` block";
            mistakes.at_span(Span::call_site(), text);
            (other.into_token_stream(), TokenStream::new())
        }
    };
    match mistakes.report(&item) {
        // A service with a mistake is still a subscriber: whoever lists it adds no error of its own.
        Err(errors) => parse2::<ItemImpl>(item)
            .ok()
            .filter(|item| item.trait_.is_none() && item.generics.params.is_empty())
            .map(|item| expand::methods(&item.self_ty, &[]))
            .map_or_else(|| errors.clone(), |empty| quote!(#errors #empty)),
        Ok(()) => quote!(#item #code),
    }
}

/// A function or a method that handles messages.
pub(crate) struct Handler {
    /// The type that stands for it.
    pub(crate) marker: Ident,
    /// What errors and the picture call it.
    pub(crate) name: String,
    pub(crate) options: Options,
    /// The service whose method it is.
    pub(crate) service: Option<Type>,
    pub(crate) function: Ident,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) reply: Type,
    pub(crate) is_async: bool,
}

pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

impl Handler {
    fn new(signature: &Signature, name: String, options: Options, mistakes: &mut Mistakes) -> Self {
        for parameter in &signature.generics.params {
            if !matches!(parameter, GenericParam::Lifetime(_)) {
                mistakes.at(parameter, "a handler cannot be generic: a topic has messages of one type");
            }
        }
        let mut arguments = Vec::new();
        for (at, argument) in signature.inputs.iter().enumerate() {
            let FnArg::Typed(argument) = argument else { continue };
            if let Type::Reference(reference) = &*argument.ty {
                mistakes.at(
                    reference,
                    "the arguments of a handler are owned: write `Json<_>` for the payload or `Arc<_>` for a service",
                );
            }
            let name = match &*argument.pat {
                Pat::Ident(pat) => pat.ident.unraw().to_string(),
                Pat::TupleStruct(pat) => match pat.elems.first() {
                    Some(Pat::Ident(inner)) => inner.ident.unraw().to_string(),
                    _ => at.to_string(),
                },
                _ => at.to_string(),
            };
            arguments.push(Argument { name, ty: (*argument.ty).clone() });
        }
        let reply: Type = match &signature.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => {
                if let Type::ImplTrait(opaque) = &**ty {
                    mistakes.at(opaque, "the result of a handler needs a name");
                }
                (**ty).clone()
            }
        };
        let function = signature.ident.clone();
        let is_async = signature.asyncness.is_some();
        Self { marker: function.clone(), name, options, service: None, function, arguments, reply, is_async }
    }
}

fn from_fn(item: ItemFn, attribute: TokenStream, mistakes: &mut Mistakes) -> (TokenStream, TokenStream) {
    let options = Options::read(attribute, Span::call_site(), mistakes);
    if let Some(receiver) = item.sig.receiver() {
        mistakes.at(
            receiver,
            "for a method write `#[subscriber]` above the `impl` block and `#[subscribe(..)]` above the method",
        );
    }
    let handler = Handler::new(&item.sig, item.sig.ident.to_string(), options, mistakes);
    (item.into_token_stream(), expand::function(&handler))
}

fn from_impl(mut item: ItemImpl, attribute: &TokenStream, mistakes: &mut Mistakes) -> (TokenStream, TokenStream) {
    let prefix = options::prefix(attribute, mistakes);
    if let Some((of, _)) = &item.trait_ {
        mistakes.at(of, "`#[subscriber]` goes on the `impl` block of the type itself, not of a trait");
    }
    if let Some(parameter) = item.generics.params.first() {
        mistakes.at(parameter, "a subscriber cannot be generic: a topic has messages of one type");
    }
    let service = (*item.self_ty).clone();
    let owner = crate::pretty::pretty(&service);
    let mut handlers = Vec::new();
    for function in
        item.items.iter_mut().filter_map(|item| if let ImplItem::Fn(function) = item { Some(function) } else { None })
    {
        let subscribes = take(&mut function.attrs, "subscribe");
        let [subscribe, more @ ..] = subscribes.as_slice() else { continue };
        for second in more {
            mistakes.at(second, "a method handles one topic: write another method");
        }
        let tokens = match &subscribe.meta {
            Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        let options = Options::read(tokens, subscribe.pound_token.span, mistakes).after(prefix.as_ref());
        match function.sig.receiver() {
            Some(receiver) if matches!(receiver.kind, syn::ReceiverKind::Reference(_, _, None)) => {}
            Some(receiver) => mistakes.at(receiver, "a service is shared: its handlers take `&self`"),
            None => mistakes.at(
                &function.sig.ident,
                "a handler of a service takes `&self`; a function of its own goes outside of the `impl` block",
            ),
        }
        let name = format!("{owner}::{}", function.sig.ident);
        let mut handler = Handler::new(&function.sig, name, options, mistakes);
        handler.service = Some(service.clone());
        handlers.push(handler);
    }
    if handlers.is_empty() {
        mistakes.at(&service, "no handler: write `#[subscribe(\"topic\")]` above a method");
    }
    (item.into_token_stream(), expand::methods(&service, &handlers))
}
