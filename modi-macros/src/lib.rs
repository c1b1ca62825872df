//! The attributes of Modi: `#[injectable]`, `#[module]`, `#[subscriber]`.
//!
//! Each reads its item into a model, collects every mistake that it can see by itself, and writes what a user could
//! write by hand, with the spans of what the user wrote. Where there is a mistake it leaves the item as it is beside the
//! error, still a service or a module for whoever names it, so that one mistake is one error. The attributes are documented where users meet them: in the crate `modi`.

mod attribute;
mod injectable;
mod module;
mod place;
mod pretty;
mod subscriber;

use proc_macro::TokenStream;

/// Makes a type injectable: see the crate `modi`.
#[proc_macro_attribute]
pub fn injectable(attribute: TokenStream, item: TokenStream) -> TokenStream {
    injectable::expand(attribute.into(), &item.into()).into()
}

/// Makes a struct a module: see the crate `modi`.
#[proc_macro_attribute]
pub fn module(attribute: TokenStream, item: TokenStream) -> TokenStream {
    module::expand(attribute.into(), &item.into()).into()
}

/// Makes a function, or the methods of a service, handle messages: see the crate `modi`.
#[proc_macro_attribute]
pub fn subscriber(attribute: TokenStream, item: TokenStream) -> TokenStream {
    subscriber::expand(attribute.into(), &item.into()).into()
}
