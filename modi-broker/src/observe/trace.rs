//! The ids of a trace, as [W3C Trace Context](https://www.w3.org/TR/trace-context/) writes them.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

/// Where in a trace something happens: the header `traceparent`.
///
/// ```
/// use modi_broker::TraceParent;
///
/// let parent: TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse()?;
/// assert_eq!(format!("{:032x}", parent.trace_id()), "0af7651916cd43dd8448eb211c80319c");
/// let child = parent.child();
/// assert_eq!(child.trace_id(), parent.trace_id());
/// assert_ne!(child.span_id(), parent.span_id());
/// # Ok::<(), modi_broker::TraceParentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: NonZeroU128,
    span_id: NonZeroU64,
    flags: u8,
}

/// A text that is no `traceparent`. Whoever receives one goes on as if there were none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a `traceparent`: write for example `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`")]
pub struct TraceParentError;

const SAMPLED: u8 = 1;
/// The trace id is random: known since level 2 of the recommendation, and to be passed on.
const RANDOM: u8 = 2;

/// What version 00 takes, in bytes. Later versions begin with the same.
pub(super) const LENGTH: usize = 55;

impl TraceParent {
    /// The first span of a new trace, which is recorded.
    pub fn root() -> Self {
        let trace_id = NonZeroU128::new(fastrand::u128(..)).unwrap_or(NonZeroU128::MIN);
        Self { trace_id, span_id: span_id(), flags: SAMPLED | RANDOM }
    }

    /// A span below this one: the same trace, a span id of its own.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: span_id(), ..self }
    }

    /// Which trace it belongs to; never 0.
    pub fn trace_id(self) -> u128 {
        self.trace_id.get()
    }

    /// Which span of the trace it is; never 0.
    pub fn span_id(self) -> u64 {
        self.span_id.get()
    }

    /// Whether the caller may have recorded its part of the trace.
    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Reads the value of a header. Longer values are a later version's, whose first four parts mean the same.
    pub(crate) fn read(header: &[u8]) -> Result<Self, TraceParentError> {
        let (known, rest) = header.split_at_checked(LENGTH).ok_or(TraceParentError)?;
        let version = number(&known[..2])?;
        let is_known = match rest.first() {
            None => true,
            Some(next) => version > 0 && *next == b'-',
        };
        if !is_known || version == 0xff || [known[2], known[35], known[52]] != [b'-'; 3] {
            return Err(TraceParentError);
        }
        let trace_id = NonZeroU128::new(number(&known[3..35])?).ok_or(TraceParentError)?;
        let span_id = u64::try_from(number(&known[36..52])?).ok().and_then(NonZeroU64::new).ok_or(TraceParentError)?;
        let flags = number(&known[53..])? as u8 & (SAMPLED | RANDOM);
        Ok(Self { trace_id, span_id, flags })
    }
}

fn span_id() -> NonZeroU64 {
    NonZeroU64::new(fastrand::u64(..)).unwrap_or(NonZeroU64::MIN)
}

/// Small letters only: capitals are not allowed.
fn number(digits: &[u8]) -> Result<u128, TraceParentError> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return Err(TraceParentError),
        };
        Ok(number << 4 | u128::from(digit))
    })
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text.as_bytes())
    }
}

/// As the header says it, in version 00.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_read_is_written_again() {
        let parent: TraceParent = GIVEN.parse().unwrap_or_else(|_| TraceParent::root());
        assert_eq!(parent.trace_id(), 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!(parent.span_id(), 0xb7ad_6b71_6920_3331);
        assert!(parent.is_sampled());
        assert_eq!(parent.to_string(), GIVEN);
    }

    #[test]
    fn what_the_recommendation_forbids_is_refused() {
        let wrong = [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
            "00-0af7651916cd43dd8448eb211c8031ä-b7ad6b7169203331-01",
        ];
        for text in wrong {
            assert_eq!(text.parse::<TraceParent>(), Err(TraceParentError), "{text}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for later in ["cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", &GIVEN.replacen("00", "01", 1)] {
            assert_eq!(later.parse(), GIVEN.parse::<TraceParent>(), "{later}");
        }
    }

    #[test]
    fn flags_that_are_not_known_are_not_passed_on() {
        let parent = GIVEN.replace("-01", "-fe").parse::<TraceParent>();
        assert_eq!(parent.map(|parent| (parent.is_sampled(), parent.flags)), Ok((false, RANDOM)));
    }

    proptest! {
        #[test]
        fn every_parent_comes_back(trace_id in 1..=u128::MAX, span_id in 1..=u64::MAX, flags in 0..4_u8) {
            let (trace_id, span_id) = (NonZeroU128::new(trace_id), NonZeroU64::new(span_id));
            let parent = TraceParent { trace_id: trace_id.unwrap_or(NonZeroU128::MIN), span_id: span_id.unwrap_or(NonZeroU64::MIN), flags };
            prop_assert_eq!(parent.to_string().len(), LENGTH);
            prop_assert_eq!(parent.to_string().parse(), Ok(parent));
            prop_assert_eq!(parent.child().to_string()[..35].to_owned(), parent.to_string()[..35].to_owned());
        }

        #[test]
        fn no_bytes_are_too_odd_to_be_refused(bytes: Vec<u8>) {
            prop_assert!(TraceParent::read(&bytes).is_err());
        }

        #[test]
        fn what_is_accepted_is_written_with_the_same_ids(text in "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}") {
            if let Ok(parent) = text.parse::<TraceParent>() {
                prop_assert_eq!(&parent.to_string()[2..52], &text[2..52]);
            }
        }
    }
}
