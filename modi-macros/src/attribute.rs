//! What the attributes share: keys that are checked and suggested, and mistakes that are collected.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use std::fmt::Display;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, Ident, Token};

/// The mistakes of one item.
#[derive(Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    pub(crate) fn at(&mut self, tokens: impl ToTokens, text: impl Display) {
        self.add(Error::new_spanned(tokens, text));
    }

    pub(crate) fn at_span(&mut self, span: Span, text: impl Display) {
        self.add(Error::new(span, text));
    }

    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }

    /// The item as it stands beside the errors, if there are any.
    pub(crate) fn report(self, item: impl ToTokens) -> Result<(), TokenStream> {
        match self.0 {
            None => Ok(()),
            Some(errors) => {
                let mut out = errors.to_compile_error();
                item.to_tokens(&mut out);
                Err(out)
            }
        }
    }
}

/// Reads `key`, `key = value`, `key(value)`, parted by commas. `read` is given each known key once.
pub(crate) fn keys(
    tokens: TokenStream,
    known: &[&str],
    mistakes: &mut Mistakes,
    mut read: impl FnMut(&Ident, ParseStream<'_>, &mut Mistakes) -> syn::Result<()>,
) {
    let mut seen: Vec<Ident> = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            let name = key.to_string();
            if !known.contains(&name.as_str()) {
                mistakes.at(&key, unknown(&name, known));
                skip(input)?;
            } else if seen.contains(&key) {
                mistakes.at(&key, format!("`{name}` is written twice"));
                skip(input)?;
            } else {
                read(&key, input, mistakes)?;
                seen.push(key);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        mistakes.add(error);
    }
}

/// The sentence about an unknown key.
pub(crate) fn unknown(name: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (strsim::jaro_winkler(name, known), known));
    let nearest = near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(likeness, _)| *likeness > 0.75);
    match nearest {
        Some((_, nearest)) => format!("unknown key `{name}`: did you mean `{nearest}`?"),
        None => format!("unknown key `{name}`: there are `{}`", known.join("`, `")),
    }
}

fn skip(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

/// Takes the attributes with this name off an item.
pub(crate) fn take(attributes: &mut Vec<Attribute>, name: &str) -> Vec<Attribute> {
    let (taken, left) = std::mem::take(attributes).into_iter().partition(|attribute| attribute.path().is_ident(name));
    *attributes = left;
    taken
}
