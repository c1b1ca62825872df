//! `#[module]`: parse → model → expand.

mod expand;
mod model;
mod parse;

use crate::attribute::Mistakes;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemStruct, parse2};

pub(crate) fn expand(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut item: ItemStruct = match parse2(item.clone()) {
        Ok(item) => item,
        Err(error) => {
            let error = syn::Error::new(error.span(), "`#[module]` goes on a struct").to_compile_error();
            return quote!(#error #item);
        }
    };
    let mut mistakes = Mistakes::default();
    let lists = parse::Lists::read(attribute, &mut mistakes);
    let model = model::Module::new(&mut item, lists, &mut mistakes);
    match mistakes.report(&item) {
        Ok(()) => {
            let code = expand::module(&model);
            quote!(#item #code)
        }
        Err(errors) => {
            let code = item.generics.params.is_empty().then(|| expand::module(&model.emptied()));
            quote!(#errors #code)
        }
    }
}
