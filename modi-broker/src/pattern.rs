//! Patterns of topics: which topics they match, and what their placeholders stand for.

/// A topic, or a pattern of topics: `{name}` stands for one part between dots, `{name..}` at the end for one or more.
///
/// A pattern never matches a topic that begins with `dead.` or `retry.`: dead letters and delayed retries are not for it.
/// Adapters match by it, and by its [parts](Pattern::parts) write what the broker itself calls a pattern.
///
/// ```
/// use modi_broker::contract::Pattern;
///
/// let pattern = Pattern::parse("logs.{level}.{path..}")?;
/// let values: Vec<_> = pattern.captures("logs.warn.disk.full").unwrap().collect();
/// assert_eq!(values, ["warn", "disk.full"]);
/// assert!(!pattern.matches("logs.warn"));
/// assert!(Pattern::parse("logs.{level").is_err());
/// # Ok::<_, modi_broker::contract::PatternError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern<'a>(&'a str);

/// One part of a [`Pattern`], between dots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// It stands for itself.
    Literal(&'a str),
    /// `{name}`: any one part.
    One(&'a str),
    /// `{name..}`: all the parts that are left, at least one.
    Rest(&'a str),
}

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(&'static str);

impl PatternError {
    /// The sentence, for constants.
    pub const fn text(&self) -> &'static str {
        self.0
    }
}

impl<'a> Pattern<'a> {
    /// Reads a topic or a pattern.
    ///
    /// # Errors
    ///
    /// A brace that is not part of a `{name}` between dots, a name twice, `{name..}` before the end, and a pattern of
    /// dead letters or delayed retries.
    pub const fn parse(text: &'a str) -> Result<Self, PatternError> {
        match Self::check(text.as_bytes()) {
            Some(problem) => Err(PatternError(problem)),
            None => Ok(Self(text)),
        }
    }

    /// As it was written.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// It stands for itself alone.
    pub const fn is_topic(&self) -> bool {
        self.placeholders() == 0
    }

    /// How many placeholders there are.
    pub const fn placeholders(&self) -> usize {
        let (text, mut at, mut found) = (self.0.as_bytes(), 0, 0);
        while at < text.len() {
            found += (text[at] == b'{') as usize;
            at += 1;
        }
        found
    }

    /// Its parts, in order.
    pub const fn parts(&self) -> Parts<'a> {
        Parts(Some(self.0))
    }

    /// Whether it matches a topic.
    pub fn matches(&self, topic: &str) -> bool {
        if self.is_topic() { self.0 == topic } else { self.captures(topic).is_some() }
    }

    /// What its placeholders stand for in a topic, in order; `None` for a topic that it does not match.
    pub fn captures<'t>(&self, topic: &'t str) -> Option<Captures<'a, 't>> {
        if !self.is_topic() && (topic.starts_with("dead.") || topic.starts_with("retry.")) {
            return None;
        }
        let captures = Captures { parts: self.parts(), topic: Some(topic) };
        let mut walk = captures.clone();
        while let Some(part) = walk.parts.next() {
            walk.step(part)?;
        }
        walk.topic.is_none().then_some(captures)
    }

    /// The first problem.
    const fn check(text: &[u8]) -> Option<&'static str> {
        const BRACES: &str = "a placeholder is a whole part between dots, as in `logs.{level}`, and has a name of \
                              letters, digits and `_`";
        let (mut at, mut found) = (0, false);
        while at < text.len() {
            let is_first = at == 0 || text[at - 1] == b'.';
            if text[at] == b'}' || text[at] == b'{' && !is_first {
                return Some(BRACES);
            }
            if text[at] != b'{' {
                at += 1;
                continue;
            }
            found = true;
            let begin = at + 1;
            let end = name_end(text, begin);
            if end == begin {
                return Some(BRACES);
            }
            if is_named_before(text, begin, end) {
                return Some("a placeholder has a name of its own: one stands there twice");
            }
            let is_rest = end + 2 < text.len() && text[end] == b'.' && text[end + 1] == b'.';
            at = if is_rest { end + 2 } else { end };
            if at >= text.len() || text[at] != b'}' {
                return Some(BRACES);
            }
            at += 1;
            if is_rest && at < text.len() {
                return Some("`{name..}` stands for all the parts that are left: it is the last");
            }
            if at < text.len() && text[at] != b'.' {
                return Some(BRACES);
            }
        }
        if found && (begins_with(text, b"dead.") || begins_with(text, b"retry.")) {
            return Some(
                "a pattern never matches dead letters and retries, whose topics begin with `dead.` and `retry.`",
            );
        }
        None
    }
}

/// Where the name ends that begins here.
const fn name_end(text: &[u8], begin: usize) -> usize {
    let mut end = begin;
    while end < text.len() && (text[end].is_ascii_alphanumeric() || text[end] == b'_') {
        end += 1;
    }
    end
}

/// Whether a placeholder before this one has its name.
const fn is_named_before(text: &[u8], begin: usize, end: usize) -> bool {
    let mut at = 0;
    while at + 1 < begin {
        if text[at] == b'{' && name_end(text, at + 1) - at == end - begin + 1 {
            let mut same = 0;
            while same < end - begin && text[at + 1 + same] == text[begin + same] {
                same += 1;
            }
            if same == end - begin {
                return true;
            }
        }
        at += 1;
    }
    false
}

const fn begins_with(text: &[u8], prefix: &[u8]) -> bool {
    let mut at = 0;
    while at < prefix.len() && at < text.len() && text[at] == prefix[at] {
        at += 1;
    }
    at == prefix.len()
}

/// The parts of a [`Pattern`], in order.
#[derive(Clone, Debug)]
pub struct Parts<'a>(Option<&'a str>);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let (part, rest) = split(self.0?);
        self.0 = rest;
        let Some(name) = part.strip_prefix('{') else { return Some(Part::Literal(part)) };
        Some(match name.strip_suffix('}') {
            Some(name) => Part::One(name),
            None => {
                // The dots of `{name..}` part nothing.
                self.0 = None;
                Part::Rest(name)
            }
        })
    }
}

/// What the placeholders of a [`Pattern`] stand for, in order.
#[derive(Clone, Debug)]
pub struct Captures<'a, 't> {
    parts: Parts<'a>,
    /// What is left; `None` behind its last part.
    topic: Option<&'t str>,
}

impl<'t> Captures<'_, 't> {
    /// Goes on by one part: `None` where it does not match, else what a placeholder stands for.
    fn step(&mut self, part: Part<'_>) -> Option<Option<&'t str>> {
        let topic = self.topic?;
        let (value, rest) = if matches!(part, Part::Rest(_)) { (topic, None) } else { split(topic) };
        self.topic = rest;
        match part {
            Part::Literal(wanted) => (wanted == value).then_some(None),
            Part::One(_) | Part::Rest(_) => Some(Some(value)),
        }
    }
}

impl<'t> Iterator for Captures<'_, 't> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        loop {
            let part = self.parts.next()?;
            if let Some(value) = self.step(part)? {
                return Some(value);
            }
        }
    }
}

/// The first part, and what is behind its dot.
fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once('.').map_or((text, None), |(part, rest)| (part, Some(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_malformed_is_said() {
        let said = |text| Pattern::parse(text).err().map_or("", |error| error.text());
        for braces in
            ["{", "a.{", "a.{}", "a.{b", "a.b}", "a{b}", "a.{b}c", "a.{b-c}", "a.{b.}", "a.{b...}", "{{a}}", "a.{..}"]
        {
            assert!(said(braces).contains("a whole part between dots"), "{braces}: {}", said(braces));
        }
        assert!(said("{a}.b.{a}").contains("twice") && said("{ab}.{abc}.{ab..}").contains("twice"));
        assert!(said("a.{b..}.c").contains("it is the last") && said("{b..}.{c}").contains("it is the last"));
        assert!(said("dead.{group}.x").contains("dead letters") && said("retry.{group..}").contains("retries"));
        for fits in ["a", "a.b", "dead.g.t", "{a}", "{a}.{ab}.x.{a_1..}", "deadly.{a}", "a..b", ""] {
            assert_eq!(said(fits), "", "{fits}");
        }
    }

    #[test]
    fn dead_letters_and_retries_are_matched_by_no_pattern() {
        let every = Pattern::parse("{all..}").unwrap_or(Pattern(""));
        assert!(every.matches("orders.created") && every.matches("dead"));
        assert!(!every.matches("dead.orders.orders.created") && !every.matches("retry.orders.x"));
        assert!(Pattern("dead.g.t").matches("dead.g.t"), "a topic is no pattern");
    }

    /// Part by part, on vectors.
    fn model<'t>(pattern: &str, topic: &'t str) -> Option<Vec<String>> {
        let open = pattern.strip_suffix("..}");
        let mut wanted: Vec<&str> = open.unwrap_or(pattern).split('.').collect();
        let rest = open.is_some().then(|| wanted.pop()).flatten();
        let parts: Vec<&'t str> = topic.split('.').collect();
        let fits = if rest.is_some() { parts.len() > wanted.len() } else { parts.len() == wanted.len() };
        let same = wanted.iter().zip(&parts).all(|(wanted, part)| wanted.starts_with('{') || wanted == part);
        if !fits || !same || pattern.contains('{') && parts.len() > 1 && ["dead", "retry"].contains(&parts[0]) {
            return None;
        }
        let mut values: Vec<String> = wanted
            .iter()
            .zip(&parts)
            .filter(|(wanted, _)| wanted.starts_with('{'))
            .map(|(_, part)| (*part).to_owned())
            .collect();
        if rest.is_some() {
            values.push(parts[wanted.len()..].join("."));
        }
        Some(values)
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_its_model_matches(
            parts in prop::collection::vec(prop::sample::select(vec!["a", "b", "dead", "", "{}"]), 1..5),
            rest in any::<bool>(),
            topic in prop::collection::vec(prop::sample::select(vec!["a", "b", "ab", "dead", "retry", ""]), 1..6),
        ) {
            // Each placeholder gets a name of its own.
            let mut parts: Vec<String> = parts.iter().enumerate()
                .map(|(at, part)| if *part == "{}" { format!("{{p{at}}}") } else { (*part).to_owned() })
                .collect();
            if rest {
                parts.push("{rest..}".to_owned());
            }
            let (text, topic) = (parts.join("."), topic.join("."));
            let Ok(pattern) = Pattern::parse(&text) else {
                prop_assert!(text.starts_with("dead."), "{} is a pattern", text);
                return Ok(());
            };
            let found = pattern.captures(&topic).map(|values| values.map(str::to_owned).collect::<Vec<_>>());
            prop_assert_eq!(&found, &model(&text, &topic), "{} and {}", text, topic);
            prop_assert_eq!(pattern.matches(&topic), found.is_some());
            prop_assert_eq!(pattern.placeholders(), pattern.parts().filter(|part| !matches!(part, Part::Literal(_))).count());
        }
    }
}
