//! Where the compiler points: what is written takes the place of what the user wrote.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

/// The places of the first and of the last of the user's tokens, for what is written there.
pub(crate) fn ends(user: &impl ToTokens) -> (Span, Span) {
    let mut spans = user.to_token_stream().into_iter().map(|token| Span::call_site().located_at(token.span()));
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// Writes tokens that reach from the begin of the user's to their end.
pub(crate) fn over(user: &impl ToTokens, write: impl FnOnce(Span) -> TokenStream) -> TokenStream {
    let (first, last) = ends(user);
    let mut tokens: Vec<TokenTree> = write(first).into_iter().collect();
    if let Some(token) = tokens.last_mut() {
        token.set_span(last);
    }
    tokens.into_iter().collect()
}

/// Asks of a trait object that it is `Send + Sync`, ahead of what follows from it: so that Modi's sentence comes first.
pub(crate) fn shared(object: &Type) -> TokenStream {
    let bound = over(object, |at| quote_spanned!(at=> ::modi::__private::Object));
    quote!(const _: () = { fn _shared() where #object: #bound {} };)
}

/// What stands around handlers of a module, each with its `#[cfg]`, at the places where the user lists it.
pub(crate) fn around<'a>(module: &Type, layers: impl Iterator<Item = (TokenStream, &'a Type)>) -> Option<TokenStream> {
    let rows: Vec<_> = layers
        .map(|(cfg, layer)| {
            let row = over(layer, |at| quote_spanned!(at=> ::modi::__private::around::<#module, #layer>()));
            quote!(#cfg #row)
        })
        .collect();
    let list = quote!(const AROUND: &'static [::modi::__private::Around] = &[#(#rows),*];);
    (!rows.is_empty()).then_some(list)
}
