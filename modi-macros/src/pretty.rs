//! Types and paths as a person writes them: `Repository<User>`, not `Repository < User >`.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The tokens with the spaces of ordinary code.
pub(crate) fn pretty(tokens: &impl ToTokens) -> String {
    let mut out = String::new();
    write(&mut out, tokens.to_token_stream());
    out
}

fn write(out: &mut String, tokens: TokenStream) {
    let mut joint = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                let text = ident.to_string();
                if out.ends_with(|last: char| last.is_alphanumeric() || last == '_') && !joint {
                    out.push(' ');
                }
                out.push_str(&text);
                joint = false;
            }
            TokenTree::Literal(literal) => {
                out.push_str(&literal.to_string());
                joint = false;
            }
            TokenTree::Punct(punct) => {
                let arrow = punct.as_char() == '-' && punct.spacing() == Spacing::Joint;
                if matches!(punct.as_char(), '+' | '=') || arrow {
                    out.push(' ');
                }
                out.push(punct.as_char());
                joint = punct.as_char() == '\'';
                if matches!(punct.as_char(), '+' | ',' | '=' | ';') || out.ends_with("->") {
                    out.push(' ');
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                write(out, group.stream());
                out.push_str(close);
                joint = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;
    use quote::quote;

    #[test]
    fn types_are_written_as_people_write_them() {
        assert_eq!(pretty(&quote!(Repository<User>)), "Repository<User>");
        assert_eq!(pretty(&quote!(dyn crate::Mailer + Send)), "dyn crate::Mailer + Send");
        assert_eq!(pretty(&quote!(Pool<Key, &'static str>)), "Pool<Key, &'static str>");
        assert_eq!(pretty(&quote!(fn(u8) -> [u8; 4])), "fn(u8) -> [u8; 4]");
    }
}
