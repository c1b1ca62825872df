//! `#[injectable]`: on a struct, on an `impl` block with a constructor, on a function.

use crate::attribute::{Mistakes, keys, take};
use crate::pretty::pretty;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Expr, Fields, FnArg, GenericArgument, Generics, Ident, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, ItemStruct,
    Pat, PathArguments, ReturnType, Signature, Type, WherePredicate, parse_quote, parse2,
};

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let parsed: Item = match parse2(item.clone()) {
        Ok(parsed) => parsed,
        Err(error) => return with_item(&error, item),
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
    if let Err(errors) = mistakes.report(&item) {
        return errors;
    }
    let code = service.map(|service| service.expand(&options));
    quote!(#item #code)
}

fn with_item(error: &syn::Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

/// The keys of the attribute.
#[derive(Default)]
struct Options {
    scoped: bool,
    transient: Option<Ident>,
    lifecycle: bool,
    complete: bool,
}

impl Options {
    const KEYS: [&str; 5] = ["singleton", "scoped", "transient", "lifecycle", "complete"];

    fn read(attribute: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut options = Self::default();
        let mut lifetimes: Vec<Ident> = Vec::new();
        let (mut lifecycle, mut complete) = (None, None);
        keys(attribute, &Self::KEYS, mistakes, |key, _, _| {
            match key.to_string().as_str() {
                "lifecycle" => lifecycle = Some(key.clone()),
                "complete" => complete = Some(key.clone()),
                _ => lifetimes.push(key.clone()),
            }
            Ok(())
        });
        if let [_, second, ..] = lifetimes.as_slice() {
            mistakes.at(second, "a service has one lifetime: `singleton`, `scoped` or `transient`");
        }
        match lifetimes.first() {
            Some(lifetime) if lifetime == "scoped" => options.scoped = true,
            Some(lifetime) if lifetime == "transient" => options.transient = Some(lifetime.clone()),
            _ => {}
        }
        if let Some(key) = &lifecycle
            && (options.scoped || options.transient.is_some())
        {
            mistakes.at(
                key,
                "`lifecycle` is for singletons: a scoped service ends with `complete`, a transient when it is dropped",
            );
        }
        if let Some(key) = &complete
            && !options.scoped
        {
            mistakes.at(key, "`complete` is for scoped services: write `#[injectable(scoped, complete)]`");
        }
        options.lifecycle = lifecycle.is_some();
        options.complete = complete.is_some();
        options
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
    /// A call, whose arguments are `a0`, `a1`, ..
    Call { call: TokenStream, is_async: bool, returns_arc: bool },
}

impl Service {
    fn expand(self, options: &Options) -> TokenStream {
        let Self { marker, source, generics, output, unsized_output, name, dependencies, constructor } = self;
        let life = if options.scoped {
            quote!(Scoped)
        } else if options.transient.is_some() {
            quote!(Transient)
        } else {
            quote!(Singleton)
        };
        let per_scope = options.scoped || options.transient.is_some();
        let keep = if per_scope && !unsized_output { quote!(Whole) } else { quote!(Wrapped) };
        let name = name.map(
            |name| quote!(const NAME: ::core::option::Option<&'static str> = ::core::option::Option::Some(#name);),
        );
        let hook = quote!(::core::option::Option<::modi::__private::ServiceHook<Self::Output>>);
        let lifecycle = options.lifecycle.then(|| {
            quote! {
                const START: #hook = ::modi::__private::starts::<#output>();
                const STOP: #hook = ::modi::__private::stops::<#output>();
            }
        });
        let complete = options.complete.then(|| {
            quote! {
                const COMPLETE: ::core::option::Option<::modi::__private::Complete> = ::modi::__private::completes::<#output>();
            }
        });

        let mut source_generics = generics.clone();
        if !generics.params.is_empty() {
            source_generics.make_where_clause().predicates.push(parse_quote!(#source: ::modi::__private::Service));
        }
        let (source_impl, _, source_where) = source_generics.split_for_impl();

        let mut wire_generics = source_generics.clone();
        wire_generics.params.push(parse_quote!(__M: ::modi::__private::Module));
        let bounds = dependencies
            .iter()
            .map(|Dependency { ty, .. }| -> WherePredicate { parse_quote!(#ty: ::modi::__private::Dependency<__M>) });
        wire_generics.make_where_clause().predicates.extend(bounds);
        wire_generics.make_where_clause().predicates.extend(objects(&dependencies));
        let (wire_impl, _, wire_where) = wire_generics.split_for_impl();

        let edges =
            dependencies.iter().map(|Dependency { field, ty }| quote!(::modi::__private::edge::<__M, #ty>(#field)));
        let make = constructor.expand(dependencies.len());
        quote! {
            #marker
            #[automatically_derived]
            impl #source_impl ::modi::__private::Source for #source #source_where {
                type Output = #output;
                type Life = ::modi::__private::lifetime::#life;
                type Keep = ::modi::__private::lifetime::#keep;
                #name
                #lifecycle
                #complete
            }
            #[automatically_derived]
            impl #wire_impl ::modi::__private::Wire<__M> for #source #wire_where {
                const EDGES: &'static [::modi::__private::Edge] = &[#(#edges),*];
                fn make(__cx: &::modi::__private::Resolver<'_, __M>) -> ::modi::Result<::modi::__private::Made<Self::Output>> {
                    #make
                }
            }
        }
    }
}

impl Constructor {
    fn expand(self, arguments: usize) -> TokenStream {
        let (call, is_async, returns_arc) = match self {
            Self::Plain(value) => {
                return quote!(::core::result::Result::Ok(::modi::__private::Made::Ready(::std::sync::Arc::new(#value))));
            }
            Self::Call { call, is_async, returns_arc } => (call, is_async, returns_arc),
        };
        let names: Vec<Ident> = (0..arguments).map(|i| format_ident!("__a{i}")).collect();
        let share = |value: TokenStream| if returns_arc { value } else { quote!(::std::sync::Arc::new(#value)) };
        if is_async {
            let value = share(quote!(::modi::__private::constructed(#call(#(#names),*).await)?));
            quote! {
                #(let #names = ::modi::__private::take(__cx)?;)*
                ::core::result::Result::Ok(::modi::__private::later(async move { ::modi::__private::keep::<Self>(#value) }))
            }
        } else {
            let takes = names.iter().map(|_| quote!(::modi::__private::take(__cx)?));
            let value = share(quote!(::modi::__private::constructed(#call(#(#takes),*))?));
            quote!(::core::result::Result::Ok(::modi::__private::Made::Ready(#value)))
        }
    }
}

/// `dyn Trait: Service` for each trait object that is depended on, ahead of what follows from it: so that Modi's sentence
/// comes first where the trait is not `Send + Sync`.
fn objects(dependencies: &[Dependency]) -> Vec<WherePredicate> {
    let mut seen: Vec<String> = Vec::new();
    let mut predicates = Vec::new();
    for object in dependencies.iter().filter_map(|dependency| object(&dependency.ty)) {
        let text = pretty(object);
        if !seen.contains(&text) {
            seen.push(text);
            predicates.push(parse_quote!(for<'__x> #object: ::modi::__private::Service));
        }
    }
    predicates
}

/// The trait object inside `Arc<dyn Trait>` and its like.
fn object(ty: &Type) -> Option<&Type> {
    match ty {
        Type::TraitObject(_) => Some(ty),
        Type::Path(path) => match &path.path.segments.last()?.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => object(ty),
                _ => None,
            }),
            _ => None,
        },
        _ => None,
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
                let name = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
                dependencies.push(Dependency { field: name, ty: field.ty.clone() });
                quote!(::modi::__private::take(__cx)?)
            }
            [default, more @ ..] => {
                for twice in more {
                    mistakes.at(twice, "`#[default]` is written twice");
                }
                match &default.meta {
                    syn::Meta::Path(_) => quote!(::core::default::Default::default()),
                    syn::Meta::List(list) => match parse2::<Expr>(list.tokens.clone()) {
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
    let constructor = constructor(&mut item, mistakes);
    let service = constructor.and_then(|signature| {
        let dependencies = parameters(&signature, mistakes)?;
        may_wait(&signature, options, mistakes);
        let (ident, ty) = (&signature.ident, (*item.self_ty).clone());
        Some(Service {
            marker: TokenStream::new(),
            source: ty.clone(),
            generics: item.generics.clone(),
            output: ty,
            unsized_output: false,
            name: None,
            dependencies,
            constructor: Constructor::Call {
                call: quote!(Self::#ident),
                is_async: signature.asyncness.is_some(),
                returns_arc: false,
            },
        })
    });
    (item.into_token_stream(), service)
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
            if let Some(receiver) = one.receiver() {
                mistakes.at(receiver, "a constructor makes the service: it cannot take `self`");
                return None;
            }
            Some(one.clone())
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

fn from_fn(item: ItemFn, options: &Options, mistakes: &mut Mistakes) -> (TokenStream, Option<Service>) {
    if !item.sig.generics.params.is_empty() {
        mistakes
            .at(&item.sig.generics, "a function that provides a service cannot be generic: a module names one service");
    }
    may_wait(&item.sig, options, mistakes);
    let service = provided(&item.sig, mistakes).and_then(|(output, returns_arc)| {
        let dependencies = parameters(&item.sig, mistakes)?;
        let ident = &item.sig.ident;
        let doc = format!("Stands for the function `{ident}` among the providers of a module.");
        Some(Service {
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
            dependencies,
            constructor: Constructor::Call {
                call: ident.to_token_stream(),
                is_async: item.sig.asyncness.is_some(),
                returns_arc,
            },
        })
    });
    (item.into_token_stream(), service)
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

fn parameters(signature: &Signature, mistakes: &mut Mistakes) -> Option<Vec<Dependency>> {
    if let Some(parameter) =
        signature.generics.params.iter().find(|parameter| !matches!(parameter, syn::GenericParam::Lifetime(_)))
    {
        mistakes.at(parameter, "a constructor cannot be generic: the container calls it with what the module provides");
        return None;
    }
    let mut dependencies = Vec::new();
    for (at, argument) in signature.inputs.iter().enumerate() {
        let FnArg::Typed(argument) = argument else { continue };
        let field = match &*argument.pat {
            Pat::Ident(pat) => pat.ident.to_string(),
            _ => at.to_string(),
        };
        if let Type::Reference(reference) = &*argument.ty {
            mistakes.at(reference, "a dependency is owned: write `Arc<_>`");
            return None;
        }
        dependencies.push(Dependency { field, ty: (*argument.ty).clone() });
    }
    Some(dependencies)
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
