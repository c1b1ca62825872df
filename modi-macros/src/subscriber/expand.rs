//! What `#[subscriber]` writes: a type that stands for each handler, and how it takes its arguments.

use super::{Handler, batch};
use crate::place::{around, over};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Type, parse_quote};

/// For a function: a type of the same name, which modules list.
pub(crate) fn function(handler: &Handler) -> TokenStream {
    let Handler { marker, name, arguments, reply, .. } = handler;
    let types = arguments.iter().map(|argument| &argument.ty);
    let doc = format!("Stands for the function `{marker}` among the subscribers of a module.");
    let (implementation, [kind, node]) = (implementation(handler), kind(handler));
    quote! {
        #[doc(hidden)]
        #[doc = #doc]
        #[allow(
            dead_code, missing_debug_implementations, non_camel_case_types, private_interfaces, unreachable_pub,
            reason = "a type of the function's name, which modules list: as visible as what it takes and returns"
        )]
        pub struct #marker<T = (#(#types,)* #reply,)> { handles: ::core::marker::PhantomData<fn(T)> }
        #[automatically_derived]
        impl ::modi::__private::Source for #marker {
            type Output = Self;
            type Life = ::modi::__private::lifetime::Handler;
            type Keep = ::modi::__private::lifetime::Wrapped;
        }
        #[automatically_derived]
        impl<__M: ::modi::__private::Module> ::modi::__private::Wire<__M> for #marker {
            const EDGES: &'static [::modi::__private::Edge] = &[];
            fn make(_: &::modi::__private::Resolver<'_, __M>) -> ::modi::Result<::modi::__private::Made<Self>> {
                ::core::result::Result::Ok(::modi::__private::Made::InPlace)
            }
        }
        #implementation
        #[automatically_derived]
        impl<__M: ::modi::__private::Module> ::modi::__private::Subscribes<__M> for #marker
        where
            Self: ::modi::__private::#kind<__M>,
        {
            const HANDLERS: &'static [::modi::__private::HandlerNode] = &[::modi::__private::#node::<__M, Self>(#name)];
        }
    }
}

/// For the methods of a service: a type each, inside one nameless constant.
pub(crate) fn methods(service: &Type, handlers: &[Handler]) -> TokenStream {
    let markers: Vec<&Ident> = handlers.iter().map(|handler| &handler.marker).collect();
    let names = handlers.iter().map(|handler| &handler.name);
    let (kinds, nodes): (Vec<_>, Vec<_>) = handlers.iter().map(kind).map(|[kind, node]| (kind, node)).unzip();
    let implementations = handlers.iter().map(implementation);
    quote! {
        const _: () = {
            #(
                #[allow(non_camel_case_types, reason = "a type of the method's name, which nobody can name")]
                struct #markers;
                #implementations
            )*
            #[automatically_derived]
            #[allow(private_bounds, reason = "the types that stand for the methods")]
            impl<__M: ::modi::__private::Module> ::modi::__private::Subscribes<__M> for #service
            where
                #(#markers: ::modi::__private::#kinds<__M>,)*
            {
                const HANDLERS: &'static [::modi::__private::HandlerNode] =
                    &[#(::modi::__private::#nodes::<__M, #markers>(#names)),*];
            }
        };
    }
}

/// The trait that the function is called through, and the function that makes its row of the module.
fn kind(handler: &Handler) -> [Ident; 2] {
    match handler.options.is_batch {
        true => [format_ident!("BatchHandler"), format_ident!("batch_handler")],
        false => [format_ident!("Handler"), format_ident!("handler")],
    }
}

fn implementation(handler: &Handler) -> TokenStream {
    if handler.options.is_batch { batch::implementation(handler) } else { single(handler) }
}

/// What stands around a handler: what each has to be for a module, and the list.
pub(super) fn layers(middleware: &[Type]) -> (Vec<TokenStream>, Option<TokenStream>) {
    let bounds = middleware.iter().map(|layer| {
        over(layer, |at| quote_spanned!(at=> ::std::sync::Arc<#layer>: ::modi::__private::FromMessage<__M>))
    });
    let rows = middleware.iter().map(|layer| (TokenStream::new(), layer));
    (bounds.collect(), around(&parse_quote!(__M), rows))
}

fn single(handler: &Handler) -> TokenStream {
    let Handler { marker, options, service, function, arguments, reply, is_async, .. } = handler;
    let types: Vec<&Type> = arguments.iter().map(|argument| &argument.ty).collect();
    // With the spans of the arguments, so that what is missing is shown there.
    let bounds = types.iter().map(|ty| quote_spanned!(ty.span()=> #ty: ::modi::__private::FromMessage<__M>));
    let (layer_bounds, around) = layers(&options.middleware);
    let fields: Vec<&String> = arguments.iter().map(|argument| &argument.name).collect();
    let early: Vec<Ident> = (0..arguments.len()).map(|at| format_ident!("__a{at}")).collect();
    let owner = service.iter().map(|service| quote!(::std::sync::Arc<#service>)).collect::<Vec<_>>();
    let take_owner = owner
        .iter()
        .map(|owner| quote!(let __service = <#owner as ::modi::__private::FromMessage<__M>>::take(__attempt)?;));
    let called = match service {
        Some(_) => quote!(__service.#function),
        None => quote!(#function),
    };
    let wait = is_async.then(|| quote!(.await));
    let called = quote!(#called(#(#early.finish(__attempt)?),*) #wait);
    // What returns nothing has no error that could classify itself.
    let call = match reply {
        Type::Tuple(tuple) if tuple.elems.is_empty() => quote!(::core::result::Result::Ok(#called)),
        _ => quote! {
            use ::modi::__private::{Classified as _, Unclassified as _};
            let __reply = #called;
            (&::modi::__private::Returned(&__reply)).how().finish(__reply)
        },
    };
    quote! {
        #[automatically_derived]
        impl<__M: ::modi::__private::Module> ::modi::__private::Handler<__M> for #marker
        where
            #(#owner: ::modi::__private::FromMessage<__M>,)*
            #(#bounds,)*
            #(#layer_bounds,)*
        {
            const EDGES: &'static [::modi::__private::Edge] = &[
                #(::modi::__private::argument::<__M, #owner>("self"),)*
                #(::modi::__private::argument::<__M, #types>(#fields),)*
            ];
            const PLACES: &'static [::core::option::Option<usize>] =
                &[#(<#types as ::modi::__private::FromMessage<__M>>::PLACES),*];
            const BY_HAND: bool = false #(|| <#types as ::modi::__private::FromMessage<__M>>::BY_HAND)*;
            #around
            const SPEC: ::modi::__private::Spec = #options;
            type Input = (#(::modi::__private::Early<#types>,)*);
            type Reply = #reply;

            #[inline]
            fn decode(__attempt: &::modi::__private::Attempt<'_, __M>) -> ::modi::Result<Self::Input> {
                ::core::result::Result::Ok((#(::modi::__private::early::<__M, #types>(__attempt)?,)*))
            }

            #[inline]
            async fn call(__attempt: &::modi::__private::Attempt<'_, __M>, (#(#early,)*): Self::Input) -> ::modi::Result<Self::Reply> {
                #(#take_owner)*
                #call
            }
        }
    }
}
