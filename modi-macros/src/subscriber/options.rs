//! The topic and the keys of `#[subscriber(..)]` and `#[subscribe(..)]`.

use crate::attribute::{Mistakes, keys};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Token, Type, bracketed, token};

/// What was written, as calls on a `Spec`.
pub(crate) struct Options {
    /// The handler takes several messages at once.
    pub(crate) is_batch: bool,
    topic: TokenStream,
    settings: Vec<TokenStream>,
    /// What stands around the handler, outermost first.
    pub(crate) middleware: Vec<Type>,
}

const KEYS: &[&str] = &[
    "group",
    "publish",
    "reply",
    "broker",
    "retries",
    "redeliver",
    "deadline",
    "prefetch",
    "prefetch_bytes",
    "ack",
    "concurrency",
    "batch",
    "linger",
    "rate",
    "filter",
    "order",
    "scope",
    "tasks",
    "start",
    "failure",
    "on_error",
    "errors",
    "middleware",
];

/// A key whose value is a word: its type, and the variant that each word stands for. The first is the default.
type Words = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const WORDS: [Words; 6] = [
    ("ack", "Ack", &[("handled", "Handled"), ("received", "Received")]),
    ("errors", "Errors", &[("on", "On"), ("off", "Off")]),
    ("order", "Order", &[("lane", "Lane"), ("key", "Key"), ("none", "None")]),
    ("scope", "OrderScope", &[("partition", "Partition"), ("process", "Process")]),
    ("start", "Start", &[("earliest", "Earliest"), ("latest", "Latest")]),
    (
        "failure",
        "FailurePolicy",
        &[
            ("dead_letter", "DeadLetter"),
            ("drop", "Drop"),
            ("stop", "Stop"),
            ("restart", "Restart"),
            ("stop_app", "StopApp"),
        ],
    ),
];

impl Options {
    pub(crate) fn read(tokens: TokenStream, at: Span, mistakes: &mut Mistakes) -> Self {
        let (topic, rest) = match topic.parse2(tokens) {
            Ok(parts) => parts,
            Err(error) => {
                mistakes.add(error);
                return Self { is_batch: false, topic: quote!(""), settings: Vec::new(), middleware: Vec::new() };
            }
        };
        if topic.is_none() {
            mistakes.at_span(at, "name the topic: `#[subscriber(\"orders.created\")]`");
        }
        if let Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) = &topic
            && text.value().is_empty()
        {
            mistakes.at(text, "a topic has a name");
        }
        let (mut is_batch, mut settings, mut middleware) = (false, Vec::new(), Vec::new());
        keys(rest, KEYS, mistakes, |key, input, mistakes| {
            is_batch |= key == "batch";
            if key == "reply" {
                settings.push(quote!(reply()));
                return Ok(());
            }
            input.parse::<Token![=]>()?;
            if key == "middleware" {
                middleware = types(input)?;
            } else {
                settings.push(setting(key, input, mistakes)?);
            }
            Ok(())
        });
        let topic = topic.map_or_else(|| quote!(""), ToTokens::into_token_stream);
        Self { is_batch, topic, settings, middleware }
    }
}

impl Options {
    /// With what stands before the topics of all handlers of a service.
    pub(crate) fn after(self, prefix: Option<&Expr>) -> Self {
        let Some(prefix) = prefix else { return self };
        let Self { topic, .. } = &self;
        let topic = match (text(prefix), syn::parse2::<LitStr>(topic.clone())) {
            (Some(prefix), Ok(topic)) => {
                LitStr::new(&(prefix.value() + &topic.value()), topic.span()).into_token_stream()
            }
            _ => quote!({
                const __PREFIX: &str = #prefix;
                const __TOPIC: &str = #topic;
                const __JOINED: [u8; __PREFIX.len() + __TOPIC.len()] = ::modi::__private::join(__PREFIX, __TOPIC);
                match ::core::str::from_utf8(&__JOINED) {
                    ::core::result::Result::Ok(__topic) => __topic,
                    ::core::result::Result::Err(_) => "",
                }
            }),
        };
        Self { topic, ..self }
    }
}

/// `[Timing, Audit]`.
fn types(input: ParseStream<'_>) -> syn::Result<Vec<Type>> {
    if !input.peek(token::Bracket) {
        return Err(input.error("write a list of services: `middleware = [Timing, Audit]`"));
    }
    let inside;
    bracketed!(inside in input);
    Ok(Punctuated::<Type, Token![,]>::parse_terminated(&inside)?.into_iter().collect())
}

/// The key of `#[subscriber(prefix = "orders.")]` above an `impl` block.
pub(crate) fn prefix(tokens: &TokenStream, mistakes: &mut Mistakes) -> Option<Expr> {
    if !matches!(tokens.clone().into_iter().next(), Some(TokenTree::Ident(_)) | None) {
        mistakes.at(tokens, "on an `impl` block the topic stands above each method: `#[subscribe(\"topic\")]`");
        return None;
    }
    let mut prefix = None;
    keys(tokens.clone(), &["prefix"], mistakes, |_, input, mistakes| {
        input.parse::<Token![=]>()?;
        let value: Expr = input.parse()?;
        if text(&value).is_some_and(|text| text.value().is_empty()) {
            mistakes.at(&value, "write what stands before the topics, as `prefix = \"orders.\"`, or leave it out");
        }
        prefix = Some(value);
        Ok(())
    });
    prefix
}

fn text(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

impl ToTokens for Options {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { topic, settings, .. } = self;
        tokens.extend(quote!(::modi::__private::Spec::new(#topic) #(.#settings)*));
    }
}

/// The expression in front, if the first thing is no key, and the rest.
fn topic(input: ParseStream<'_>) -> syn::Result<(Option<Expr>, TokenStream)> {
    let is_key = input.peek(Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]);
    let topic = if input.is_empty() || is_key { None } else { Some(input.parse()?) };
    if !input.is_empty() && topic.is_some() {
        input.parse::<Token![,]>()?;
    }
    Ok((topic, input.parse()?))
}

fn setting(key: &Ident, input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<TokenStream> {
    if let Some((_, ty, words)) = WORDS.iter().find(|(name, ..)| key == name) {
        return word(key, ty, words, input);
    }
    let value: Expr = input.parse()?;
    if key == "redeliver" {
        return delays(&value);
    }
    if key == "rate" {
        return rate(&value);
    }
    if let (true, Expr::Array(topics)) = (key == "publish", &value) {
        return Ok(quote!(publish_all(&#topics)));
    }
    match (key.to_string().as_str(), text(&value)) {
        ("group", Some(group)) => is_name(group, mistakes),
        ("deadline" | "linger", Some(text)) => {
            let nanos = duration(text)?;
            return Ok(quote!(#key(::core::time::Duration::from_nanos(#nanos))));
        }
        ("deadline" | "linger", None) if matches!(&value, Expr::Lit(_)) => {
            return Err(syn::Error::new_spanned(value, "write a duration as `\"250ms\"`, `\"15s\"` or `\"2m\"`"));
        }
        ("prefetch", _) if matches!(&value, Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.base10_digits() == "0") =>
        {
            mistakes.at(&value, "with a prefetch of 0 no message would ever come");
        }
        _ => {}
    }
    Ok(quote!(#key(#value)))
}

fn is_name(group: &LitStr, mistakes: &mut Mistakes) {
    let name = group.value();
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !fits {
        mistakes.at(group, "the name of a group consists of letters, digits, `-` and `_`");
    }
}

fn word(key: &Ident, ty: &str, words: &[(&str, &str)], input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let word: Ident = input.parse()?;
    if let Some((_, variant)) = words.iter().find(|(name, _)| word == name) {
        let (ty, variant) = (Ident::new(ty, key.span()), Ident::new(variant, word.span()));
        return Ok(quote!(#key(::modi::__private::#ty::#variant)));
    }
    let written = words.iter().enumerate().map(|(at, (name, _))| {
        let before = if at == 0 {
            ""
        } else if at + 1 == words.len() {
            " or "
        } else {
            ", "
        };
        format!("{before}`{key} = {name}`{}", if at == 0 { " (the default)" } else { "" })
    });
    Err(syn::Error::new_spanned(word, format!("write {}", written.collect::<String>())))
}

/// `"100/s"`: so many messages in a second, a minute or an hour.
fn rate(value: &Expr) -> syn::Result<TokenStream> {
    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = value
        && let Some((messages, per)) = text.value().split_once('/')
        && let Ok(messages @ 1..) = messages.trim().parse::<u32>()
        && let Some(seconds) = [("s", 1_u64), ("m", 60), ("h", 3_600)].iter().find(|(unit, _)| per.trim() == *unit)
    {
        let seconds = seconds.1;
        return Ok(quote!(rate(#messages, ::core::time::Duration::from_secs(#seconds))));
    }
    Err(syn::Error::new_spanned(value, "write a rate as `\"100/s\"`, `\"20/m\"` or `\"5000/h\"`"))
}

/// `["1m", "10m"]`, or the name of a constant.
fn delays(value: &Expr) -> syn::Result<TokenStream> {
    let array = match value {
        Expr::Array(array) => array,
        Expr::Path(path) => return Ok(quote!(redeliver(#path))),
        other => return Err(syn::Error::new_spanned(other, DELAYS)),
    };
    let nanos = array.elems.iter().map(|delay| match delay {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => duration(text),
        other => Err(syn::Error::new_spanned(other, DELAYS)),
    });
    let nanos = nanos.collect::<syn::Result<Vec<_>>>()?;
    Ok(quote!(redeliver(&[#(::core::time::Duration::from_nanos(#nanos)),*])))
}

const DELAYS: &str = "write the delays as `redeliver = [\"1m\", \"10m\"]`";

/// `"15s"`, `"250ms"`, `"2m"`, in nanoseconds.
fn duration(text: &LitStr) -> syn::Result<u64> {
    let value = text.value();
    let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match &value[digits.len()..] {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        _ => 0,
    };
    match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)) {
        Some(nanos) if nanos > 0 => Ok(nanos),
        _ => Err(syn::Error::new_spanned(text, "write a duration as `\"250ms\"`, `\"15s\"` or `\"2m\"`")),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use syn::parse_quote;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let nanos = |text: syn::LitStr| duration(&text).ok();
        assert_eq!(nanos(parse_quote!("250ms")), Some(250_000_000));
        assert_eq!(nanos(parse_quote!("15s")), Some(15_000_000_000));
        assert_eq!(nanos(parse_quote!("2m")), Some(120_000_000_000));
        for wrong in
            [parse_quote!("15"), parse_quote!("s"), parse_quote!("0s"), parse_quote!("1 s"), parse_quote!("1h")]
        {
            assert_eq!(nanos(wrong), None);
        }
    }
}
