//! The headers of a message: ordered, a name may come twice, values are bytes.

use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;

/// The headers of a message, in the order in which they were written.
///
/// A name may come twice and is compared as it is, capitals included; a value is any bytes.
///
/// ```
/// use modi_broker::Headers;
///
/// let mut headers = Headers::new();
/// headers.append("tag", "first");
/// headers.append("tag", "second");
/// assert_eq!(headers.text("tag"), Some("first"));
/// assert_eq!(headers.all("tag").count(), 2);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Cow<'static, str>, Bytes)>);

impl Headers {
    /// No headers.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a header behind those that are there, whatever their names.
    pub fn append(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// Puts one header in the place of all that have its name.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Bytes>) {
        let name = name.into();
        self.remove(&name);
        self.append(name, value);
    }

    /// Removes every header with this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| other != name);
    }

    /// The first value with this name.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The same as text; `None` for bytes that are not UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// Every value with this name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value)
    }

    /// Every header, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Cow<'static, str>>, V: Into<Bytes>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Names and sizes only: values may be secret.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = self.iter().map(|(name, value)| (name, format!("{} bytes", value.len())));
        f.debug_map().entries(sizes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_replaces_every_header_of_that_name_and_keeps_the_others() {
        let mut headers: Headers = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        headers.set("a", "4");
        let all: Vec<_> = headers.iter().map(|(name, value)| (name, &value[..])).collect();
        assert_eq!(all, [("b", &b"2"[..]), ("a", b"4")]);
    }

    #[test]
    fn a_value_does_not_show_in_debug() {
        let headers: Headers = [("authorization", "Bearer abc")].into_iter().collect();
        assert_eq!(format!("{headers:?}"), r#"{"authorization": "10 bytes"}"#);
    }
}
