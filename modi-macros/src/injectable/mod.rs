//! `#[injectable]`: on a struct, on an `impl` block with a constructor, on a function.

mod expand;
mod options;

use crate::attribute::{Mistakes, take};
use crate::place::ends;
use crate::pretty::pretty;
use options::Options;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{
    Attribute, Expr, Fields, FnArg, GenericArgument, Generics, Ident, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl,
    ItemStruct, Pat, PathArguments, ReturnType, Signature, Type, parse_quote, parse2,
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
    let options = Options::read(attribute, &mut mistakes);
    let (item, service) = match parsed {
        Item::Struct(item) => from_struct(item, &mut mistakes),
        Item::Impl(item) => from_impl(item, &options, &mut mistakes),
        Item::Fn(item) => from_fn(item, &options, &mut mistakes),
        other => {
            mistakes.at_span(
                Span::call_site(),
                "`#[injectable]` goes on a struct (its fields are injected), on an `impl` block (its constructor is called), or on a function (it provides what it returns)",
            );
            (other.into_token_stream(), None)
        }
    };
    match mistakes.report(&item) {
        Ok(()) => {
            let code = service.map(|service| service.expand(&options));
            quote!(#item #code)
        }
        Err(errors) => {
            let code = service.map(|service| service.unmade().expand(&Options::default()));
            quote!(#errors #code)
        }
    }
}

/// What all three forms come to.
struct Service {
    /// The declaration of the type that stands for a function.
    marker: TokenStream,
    /// Who implements the traits.
    source: Type,
    generics: Generics,
    output: Type,
    /// A trait object: it is kept behind one more `Arc` in a scope.
    unsized_output: bool,
    name: Option<String>,
    dependencies: Vec<Dependency>,
    constructor: Constructor,
}

struct Dependency {
    field: String,
    ty: Type,
}

enum Constructor {
    /// A value made in place, from `cx`.
    Plain(TokenStream),
    /// A call, whose arguments are `a0`, `a1`, ..; an error of what it returns is one of `result`.
    Call { call: TokenStream, result: TokenStream, is_async: bool, returns_arc: bool },
    /// There is a mistake in it, which has been said.
    Unmade,
}

impl Service {
    /// The same where there is a mistake, so that the modules that list it add no error of theirs.
    fn unmade(self) -> Self {
        Self { dependencies: Vec::new(), constructor: Constructor::Unmade, ..self }
    }
}

impl Constructor {
    /// A call of `function`, of `owner` if there is one.
    fn call(owner: Option<&str>, signature: &Signature, returns_arc: bool) -> Self {
        let mut function = signature.ident.clone();
        let result = match &signature.output {
            ReturnType::Default => function.to_token_stream(),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        };
        let at = ends(&result).0;
        function.set_span(at);
        let owner = owner.map(|owner| Ident::new(owner, at)).into_iter();
        let call = quote_spanned!(at=> #(#owner::)* #function);
        Self::Call { call, result, is_async: signature.asyncness.is_some(), returns_arc }
    }
}

fn from_struct(mut item: ItemStruct, mistakes: &mut Mistakes) -> (TokenStream, Option<Service>) {
    owns_what_it_holds(&item.generics, mistakes);
    let mut dependencies = Vec::new();
    let mut values = Vec::new();
    for (at, field) in item.fields.iter_mut().enumerate() {
        let defaults = take(&mut field.attrs, "default");
        let member =
            field.ident.as_ref().map_or_else(|| syn::Index::from(at).to_token_stream(), ToTokens::to_token_stream);
        let value = match defaults.as_slice() {
            [] => {
                let name = field.ident.as_ref().map_or_else(|| at.to_string(), |ident| ident.unraw().to_string());
                dependencies.push(Dependency { field: name, ty: field.ty.clone() });
                quote!(::modi::__private::take(__cx)?)
            }
            [default, more @ ..] => {
                for twice in more {
                    mistakes.at(twice, "`#[default]` is written twice");
                }
                match &default.meta {
                    syn::Meta::Path(_) => quote!(::core::default::Default::default()),
                    syn::Meta::List(list) => match list.parse_args::<Expr>() {
                        Ok(value) => value.into_token_stream(),
                        Err(error) => {
                            mistakes.add(error);
                            TokenStream::new()
                        }
                    },
                    syn::Meta::NameValue(value) => {
                        mistakes.at(value, "write `#[default(..)]`");
                        TokenStream::new()
                    }
                }
            }
        };
        values.push(quote!(#member: #value));
    }
    let (ident, (_, arguments, _)) = (&item.ident, item.generics.split_for_impl());
    let service = Service {
        marker: TokenStream::new(),
        source: parse_quote!(#ident #arguments),
        generics: item.generics.clone(),
        output: parse_quote!(#ident #arguments),
        unsized_output: false,
        name: None,
        dependencies,
        constructor: Constructor::Plain(match &item.fields {
            Fields::Unit => quote!(Self),
            _ => quote!(Self { #(#values),* }),
        }),
    };
    (item.into_token_stream(), Some(service))
}

fn from_impl(mut item: ItemImpl, options: &Options, mistakes: &mut Mistakes) -> (TokenStream, Option<Service>) {
    if let Some((of, _)) = &item.trait_ {
        mistakes.at(of, "`#[injectable]` goes on the `impl` block of the type itself, not of a trait");
        return (item.into_token_stream(), None);
    }
    owns_what_it_holds(&item.generics, mistakes);
    let (dependencies, constructor) = match constructor(&mut item, mistakes) {
        Some(signature) => {
            may_wait(&signature, options, mistakes);
            for function in item.items.iter_mut() {
                if let ImplItem::Fn(ImplItemFn { attrs, sig, .. }) = function
                    && sig.ident == signature.ident
                {
                    attrs.push(may_own());
                }
            }
            (parameters(&signature, mistakes), Constructor::call(Some("Self"), &signature, false))
        }
        None => (Vec::new(), Constructor::Unmade),
    };
    let service = Service {
        marker: TokenStream::new(),
        source: (*item.self_ty).clone(),
        generics: item.generics.clone(),
        output: (*item.self_ty).clone(),
        unsized_output: false,
        name: None,
        dependencies,
        constructor,
    };
    (item.into_token_stream(), Some(service))
}

/// The function that is marked, or the only one that returns the type.
fn constructor(item: &mut ItemImpl, mistakes: &mut Mistakes) -> Option<Signature> {
    let self_name = match &*item.self_ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.clone()),
        _ => None,
    };
    let mut marked: Vec<Signature> = Vec::new();
    let mut candidates: Vec<Signature> = Vec::new();
    for function in
        item.items.iter_mut().filter_map(|item| if let ImplItem::Fn(function) = item { Some(function) } else { None })
    {
        let ImplItemFn { attrs, sig, .. } = function;
        if !take(attrs, "constructor").is_empty() {
            marked.push(sig.clone());
        }
        if sig.receiver().is_none() && returns(sig, self_name.as_ref()) {
            candidates.push(sig.clone());
        }
    }
    match (marked.as_slice(), candidates.as_slice()) {
        ([one], _) | ([], [one]) => {
            match (one.receiver(), &one.output) {
                (Some(receiver), _) => mistakes.at(receiver, "a constructor makes the service: it cannot take `self`"),
                (None, ReturnType::Default) => {
                    mistakes
                        .at(&one.ident, "the constructor makes nothing: it must return `Self` or `Result<Self, _>`");
                }
                (None, ReturnType::Type(..)) => return Some(one.clone()),
            }
            None
        }
        ([_, second, ..], _) => {
            mistakes.at(&second.ident, "`#[constructor]` is written on two functions: a service has one constructor");
            None
        }
        ([], []) => {
            mistakes.at(&item.self_ty, "no constructor: write an associated function that returns `Self` or `Result<Self, _>`, or put `#[injectable]` on the struct");
            None
        }
        ([], several) => {
            let names: Vec<String> = several.iter().map(|sig| format!("`{}`", sig.ident)).collect();
            let text = format!(
                "several constructors ({}): write `#[constructor]` above the one that the container calls",
                names.join(", ")
            );
            mistakes.at(&item.self_ty, text);
            None
        }
    }
}

/// Whether the result is the type, or a `Result` of it.
fn returns(signature: &Signature, self_name: Option<&Ident>) -> bool {
    let ReturnType::Type(_, ty) = &signature.output else { return false };
    let is_self = |ty: &Type| last_ident(ty).is_some_and(|ident| ident == "Self" || Some(ident) == self_name);
    is_self(ty) || (last_ident(ty).is_some_and(|ident| ident == "Result") && first_argument(ty).is_some_and(is_self))
}

fn from_fn(mut item: ItemFn, options: &Options, mistakes: &mut Mistakes) -> (TokenStream, Option<Service>) {
    may_wait(&item.sig, options, mistakes);
    let (output, returns_arc) = provided(&item.sig, mistakes).unwrap_or((parse_quote!(()), false));
    let ident = &item.sig.ident;
    let doc = format!("Stands for the function `{ident}` among the providers of a module.");
    let service = Service {
        marker: quote! {
            #[doc(hidden)]
            #[allow(
                dead_code, missing_debug_implementations, non_camel_case_types, private_interfaces, unreachable_pub,
                reason = "a type of the function's name, which modules list: as visible as what it provides"
            )]
            #[doc = #doc]
            pub struct #ident<T: ?Sized = #output> { provides: ::core::marker::PhantomData<T> }
        },
        source: parse_quote!(#ident),
        generics: Generics::default(),
        unsized_output: matches!(output, Type::TraitObject(_)),
        name: Some(pretty(&output)),
        output,
        dependencies: parameters(&item.sig, mistakes),
        constructor: Constructor::call(None, &item.sig, returns_arc),
    };
    item.attrs.push(may_own());
    (item.into_token_stream(), Some(service))
}

/// A dependency is owned, also where the constructor only looks at it.
fn may_own() -> Attribute {
    parse_quote!(#[allow(clippy::needless_pass_by_value, reason = "a dependency is owned")])
}

/// What a function provides, and whether it returns it in an `Arc`.
fn provided(signature: &Signature, mistakes: &mut Mistakes) -> Option<(Type, bool)> {
    let returned = match &signature.output {
        ReturnType::Type(_, ty) if !matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty()) => (**ty).clone(),
        _ => {
            mistakes.at(
                &signature.ident,
                "the function provides nothing: it must return the service, `Arc<dyn Trait>`, or a `Result` of one",
            );
            return None;
        }
    };
    let unwrapped = match last_ident(&returned) {
        Some(ident) if ident == "Result" => first_argument(&returned).cloned().unwrap_or(returned),
        _ => returned,
    };
    match &unwrapped {
        Type::ImplTrait(opaque) => {
            mistakes.at(opaque, "a service needs a name: return `Arc<dyn Trait>`");
            None
        }
        Type::Reference(reference) => {
            mistakes.at(reference, "a service is owned: return a value or an `Arc`");
            None
        }
        ty => match (last_ident(ty), first_argument(ty)) {
            (Some(ident), Some(inner)) if ident == "Arc" => Some((inner.clone(), true)),
            _ => Some((unwrapped, false)),
        },
    }
}

fn parameters(signature: &Signature, mistakes: &mut Mistakes) -> Vec<Dependency> {
    const GENERIC: &str = "a constructor cannot be generic: the container calls it with what the module provides";
    if let Some(parameter) =
        signature.generics.params.iter().find(|parameter| !matches!(parameter, syn::GenericParam::Lifetime(_)))
    {
        mistakes.at(parameter, GENERIC);
    }
    let mut dependencies = Vec::new();
    for (at, argument) in signature.inputs.iter().enumerate() {
        let FnArg::Typed(argument) = argument else { continue };
        let field = match &*argument.pat {
            Pat::Ident(pat) => pat.ident.unraw().to_string(),
            _ => at.to_string(),
        };
        if let Type::Reference(reference) = &*argument.ty {
            mistakes.at(reference, "a dependency is owned: write `Arc<_>`");
        }
        if argument.ty.to_token_stream().into_iter().any(|token| token.to_string() == "impl") {
            mistakes.at(&argument.ty, GENERIC);
        }
        dependencies.push(Dependency { field, ty: (*argument.ty).clone() });
    }
    dependencies
}

fn may_wait(signature: &Signature, options: &Options, mistakes: &mut Mistakes) {
    if let (Some(asyncness), Some(_)) = (&signature.asyncness, &options.transient) {
        mistakes.at(
            asyncness,
            "a transient is made in line wherever it is asked for, so its constructor cannot be `async`: make it `scoped`, or let a singleton that it takes do the waiting",
        );
    }
}

fn owns_what_it_holds(generics: &Generics, mistakes: &mut Mistakes) {
    for lifetime in generics.lifetimes() {
        mistakes.at(lifetime, "a service owns what it holds: it cannot have lifetime parameters");
    }
}

fn last_ident(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}

fn first_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}
