//! What `#[injectable]` writes: how the service is made, and what a module must have for that.

use super::options::Options;
use super::{Constructor, Dependency, Service};
use crate::place::{over, shared};
use crate::pretty::pretty;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{GenericArgument, Ident, PathArguments, Type, WherePredicate, parse_quote};

impl Service {
    pub(super) fn expand(self, options: &Options) -> TokenStream {
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
            let predicates = &mut source_generics.make_where_clause().predicates;
            predicates.push(parse_quote!(#source: ::modi::__private::Service));
            if options.lifecycle {
                predicates.push(parse_quote!(#source: ::modi::Lifecycle));
            }
            if options.complete {
                predicates.push(parse_quote!(#source: ::modi::Scoped));
            }
        }
        let mut wire_generics = source_generics.clone();
        let objects = objects(&dependencies);
        // A function's service does not hold what the function takes.
        if marker.is_empty() && !objects.is_empty() {
            source_generics.make_where_clause().predicates.extend(objects.clone());
        }
        let (source_impl, _, source_where) = source_generics.split_for_impl();
        wire_generics.params.push(parse_quote!(__M: ::modi::__private::Module));
        let bounds = dependencies.iter().map(|Dependency { ty, .. }| -> WherePredicate {
            let bound = over(ty, |at| quote_spanned!(at=> ::modi::__private::Dependency<__M>));
            parse_quote!(#ty: #bound)
        });
        wire_generics.make_where_clause().predicates.extend(bounds);
        wire_generics.make_where_clause().predicates.extend(objects);
        let (wire_impl, _, wire_where) = wire_generics.split_for_impl();

        let edges =
            dependencies.iter().map(|Dependency { field, ty }| quote!(::modi::__private::edge::<__M, #ty>(#field)));
        let make = constructor.expand(dependencies.len());
        let shared = unsized_output.then(|| shared(&output));
        quote! {
            #shared
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
        let (call, result, is_async, returns_arc) = match self {
            Self::Plain(value) => {
                return quote!(::core::result::Result::Ok(::modi::__private::Made::Ready(::std::sync::Arc::new(#value))));
            }
            Self::Unmade => return quote!(::core::unreachable!()),
            Self::Call { call, result, is_async, returns_arc } => (call, result, is_async, returns_arc),
        };
        let names: Vec<Ident> = (0..arguments).map(|i| format_ident!("__a{i}")).collect();
        let made = if returns_arc { quote!(::std::sync::Arc<Self::Output>) } else { quote!(Self::Output) };
        // What the constructor returns is checked where it says so.
        let constructed = |call: TokenStream| {
            over(&result, |at| quote_spanned!(at=> ::modi::__private::constructed::<#made, _>(#call)?))
        };
        let share = |value: TokenStream| if returns_arc { value } else { quote!(::std::sync::Arc::new(#value)) };
        if is_async {
            let value = share(constructed(over(&result, |at| quote_spanned!(at=> #call(#(#names),*).await))));
            quote! {
                #(let #names = ::modi::__private::take(__cx)?;)*
                ::core::result::Result::Ok(::modi::__private::later(async move { ::modi::__private::keep::<Self>(#value) }))
            }
        } else {
            let takes = names.iter().map(|_| quote!(::modi::__private::take(__cx)?));
            let value = share(constructed(over(&result, |at| quote_spanned!(at=> #call(#(#takes),*)))));
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
            let bound = over(object, |at| quote_spanned!(at=> ::modi::__private::Service));
            predicates.push(parse_quote!(for<'__x> #object: #bound));
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
