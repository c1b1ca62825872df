//! The lists of `#[module]`, as they are written.

use crate::attribute::{Mistakes, keys};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Error, Expr, FieldValue, Ident, Meta, Path, PathSegment, Token, Type, braced, bracketed, parenthesized,
    token,
};

/// Everything between the parentheses.
#[derive(Default)]
pub(crate) struct Lists {
    pub(crate) imports: Vec<Entry<Import>>,
    pub(crate) providers: Vec<Entry<Provider>>,
    pub(crate) exports: Vec<Entry<Type>>,
    pub(crate) subscribers: Vec<Entry<Type>>,
    pub(crate) optional: Vec<Entry<Type>>,
    pub(crate) middleware: Vec<Entry<Type>>,
}

/// An entry, and what `#[cfg(..)]` says of it.
pub(crate) struct Entry<T> {
    pub(crate) cfg: Option<TokenStream>,
    pub(crate) item: T,
}

/// `Type`, `Type as dyn Trait` or `Type as all dyn Trait`; a function in place of a type is the same.
pub(crate) struct Provider {
    pub(crate) by: Type,
    pub(crate) name: Option<Alias>,
}

/// What follows `as`.
pub(crate) enum Alias {
    One(Type),
    All(Type),
}

/// `Module`, `Module::{A, dyn B}`, `Module { field: value }::{A}` or `Module(value)::{A}`.
pub(crate) struct Import {
    pub(crate) module: Path,
    /// An expression of the module's value.
    pub(crate) value: Option<TokenStream>,
    pub(crate) items: Vec<Entry<Type>>,
}

impl Lists {
    const KEYS: [&str; 6] = ["imports", "providers", "exports", "subscribers", "optional", "middleware"];

    pub(crate) fn read(attribute: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut lists = Self::default();
        keys(attribute, &Self::KEYS, mistakes, |key, input, _| {
            input.parse::<Token![=]>()?;
            match key.to_string().as_str() {
                "imports" => lists.imports = list(input)?,
                "providers" => lists.providers = list(input)?,
                "exports" => lists.exports = list(input)?,
                "subscribers" => lists.subscribers = list(input)?,
                "middleware" => lists.middleware = list(input)?,
                _ => lists.optional = list(input)?,
            }
            Ok(())
        });
        lists
    }
}

fn list<T: Parse>(input: ParseStream<'_>) -> syn::Result<Vec<Entry<T>>> {
    let inside;
    bracketed!(inside in input);
    Ok(Punctuated::<Entry<T>, Token![,]>::parse_terminated(&inside)?.into_iter().collect())
}

impl<T: Parse> Parse for Entry<T> {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut conditions: Vec<TokenStream> = Vec::new();
        for attribute in input.call(Attribute::parse_outer)? {
            match &attribute.meta {
                Meta::List(list) if list.path.is_ident("cfg") => conditions.push(list.tokens.clone()),
                _ => return Err(Error::new_spanned(attribute, "an entry can have `#[cfg(..)]`, nothing else")),
            }
        }
        let cfg = match conditions.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(quote!(all(#(#several),*))),
        };
        Ok(Self { cfg, item: input.parse()? })
    }
}

impl Parse for Provider {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let by: Type = input.parse()?;
        if !input.peek(Token![as]) {
            return Ok(Self { by, name: None });
        }
        input.parse::<Token![as]>()?;
        let all = input.peek(Ident) && input.peek2(Token![dyn]);
        if all {
            let word: Ident = input.parse()?;
            if word != "all" {
                return Err(Error::new_spanned(word, "write `as dyn Trait` or `as all dyn Trait`"));
            }
        }
        let name: Type = input.parse()?;
        if !matches!(name, Type::TraitObject(_)) {
            return Err(Error::new_spanned(name, "`as` gives a service the name of a trait: write `as dyn Trait`"));
        }
        Ok(Self { by, name: Some(if all { Alias::All(name) } else { Alias::One(name) }) })
    }
}

impl Parse for Import {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let module = module_path(input)?;
        let value = if input.peek(token::Brace) {
            let inside;
            braced!(inside in input);
            let fields = Punctuated::<FieldValue, Token![,]>::parse_terminated(&inside)?;
            Some(quote!(#module { #fields }))
        } else if input.peek(token::Paren) {
            let inside;
            parenthesized!(inside in input);
            let arguments = Punctuated::<Expr, Token![,]>::parse_terminated(&inside)?;
            Some(quote!(#module(#arguments)))
        } else {
            None
        };
        let mut items = Vec::new();
        if input.peek(Token![::]) {
            input.parse::<Token![::]>()?;
            no_glob(input)?;
            let inside;
            braced!(inside in input);
            no_glob(&inside)?;
            items.extend(Punctuated::<Entry<Type>, Token![,]>::parse_terminated(&inside)?);
        }
        Ok(Self { module, value, items })
    }
}

fn no_glob(input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(Token![*]) {
        return Err(input.error("name what crosses the wall: an import has no `*`"));
    }
    Ok(())
}

/// A path that ends before `::{`.
fn module_path(input: ParseStream<'_>) -> syn::Result<Path> {
    let mut path = Path { leading_colon: input.parse()?, segments: Punctuated::new() };
    loop {
        path.segments.push_value(PathSegment::from(input.call(<Ident as syn::ext::IdentExt>::parse_any)?));
        if input.peek(Token![<]) {
            return Err(input.error("a module is not generic: it is one value in an application"));
        }
        if !(input.peek(Token![::]) && input.peek3(<Ident as syn::ext::IdentExt>::peek_any)) {
            return Ok(path);
        }
        path.segments.push_punct(input.parse()?);
    }
}

impl<T: ToTokens> ToTokens for Entry<T> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.item.to_tokens(tokens);
    }
}
