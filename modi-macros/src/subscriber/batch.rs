//! What `#[subscriber(.., batch = 100)]` writes: parts of each message as lists, services once.

use super::Handler;
use super::expand::layers;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, Ident, PathArguments, Type};

pub(super) fn implementation(handler: &Handler) -> TokenStream {
    let Handler { marker, options, service, function, arguments, reply, is_async, .. } = handler;
    let owner = service.iter().map(|service| quote!(::std::sync::Arc<#service>)).collect::<Vec<_>>();
    let take_owner = owner
        .iter()
        .map(|owner| quote!(let __service = <#owner as ::modi::__private::FromMessage<__M>>::take(__attempt)?;));
    let (mut items, mut lists, mut services, mut names) = (Vec::new(), Vec::<Ident>::new(), Vec::new(), Vec::new());
    let (mut passed, mut misplaced) = (Vec::new(), Vec::new());
    for argument in arguments {
        let (part, is_list) = part(&argument.ty).map_or((&argument.ty, false), |part| (part, true));
        misplaced.push(quote!(::modi::__private::misplaced::<__M, #part>(#is_list)));
        if is_list {
            let list = format_ident!("__a{}", lists.len());
            passed.push(quote!(#list));
            lists.push(list);
            items.push(part);
        } else {
            passed.push(quote!(<#part as ::modi::__private::FromMessage<__M>>::take(__attempt)?));
            services.push(part);
            names.push(&argument.name);
        }
    }
    // With the spans of the arguments, so that what is missing is shown there.
    let bounds =
        items.iter().chain(&services).map(|ty| quote_spanned!(ty.span()=> #ty: ::modi::__private::FromMessage<__M>));
    let (layer_bounds, around) = layers(&options.middleware);
    let called = match service {
        Some(_) => quote!(__service.#function),
        None => quote!(#function),
    };
    let wait = is_async.then(|| quote!(.await));
    let each: Vec<Ident> = (0..lists.len()).map(|at| format_ident!("__i{at}")).collect();
    quote! {
        #[automatically_derived]
        impl<__M: ::modi::__private::Module> ::modi::__private::BatchHandler<__M> for #marker
        where
            #(#owner: ::modi::__private::FromMessage<__M>,)*
            #(#bounds,)*
            #(#layer_bounds,)*
        {
            const EDGES: &'static [::modi::__private::Edge] = &[
                #(::modi::__private::argument::<__M, #owner>("self"),)*
                #(::modi::__private::argument::<__M, #services>(#names),)*
            ];
            const MISPLACED: &'static [::core::option::Option<&'static str>] = &[#(#misplaced),*];
            #around
            const SPEC: ::modi::__private::Spec = #options;
            type Item = (#(#items,)*);
            type Reply = #reply;

            fn decode(__attempt: &::modi::__private::Attempt<'_, __M>) -> ::modi::Result<Self::Item> {
                ::core::result::Result::Ok((#(<#items as ::modi::__private::FromMessage<__M>>::take(__attempt)?,)*))
            }

            async fn call(
                __attempt: &::modi::__private::Attempt<'_, __M>,
                __items: ::std::vec::Vec<Self::Item>,
            ) -> ::modi::Result<Self::Reply> {
                #(#take_owner)*
                #(let mut #lists = ::std::vec::Vec::with_capacity(__items.len());)*
                for (#(#each,)*) in __items {
                    #(#lists.push(#each);)*
                }
                ::core::result::Result::Ok(#called(#(#passed),*) #wait)
            }
        }
    }
}

/// Of `Vec<Part>`.
fn part(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(part) if last.ident == "Vec" => Some(part),
        _ => None,
    }
}
