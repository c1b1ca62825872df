//! The keys of `#[injectable(..)]`.

use crate::attribute::{Mistakes, keys};
use proc_macro2::TokenStream;
use syn::Ident;

/// The keys of the attribute.
#[derive(Default)]
pub(super) struct Options {
    pub(super) scoped: bool,
    pub(super) transient: Option<Ident>,
    pub(super) lifecycle: bool,
    pub(super) complete: bool,
}

impl Options {
    const KEYS: [&str; 5] = ["singleton", "scoped", "transient", "lifecycle", "complete"];

    pub(super) fn read(attribute: TokenStream, mistakes: &mut Mistakes) -> Self {
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
