//! The id that the messages of one chain share.

use crate::Message;
use bytes::Bytes;
use std::fmt;

/// An id that Modi made: a number, so that results need no memory for it. Written as 24 hexadecimal digits; zero is
/// none. Of 96 bits, so that a message is small enough to be moved without a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Correlation([u32; 3]);

/// What a handler passes on to the messages that it publishes.
#[derive(Clone)]
pub(crate) enum Chain {
    Number(Correlation),
    /// Of another program.
    Text(Bytes),
}

impl Correlation {
    pub(crate) const NONE: Self = Self([0; 3]);

    fn random() -> Self {
        Self([fastrand::u32(1..), fastrand::u32(..), fastrand::u32(..)])
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// An id that looks as if Modi had made it, and is written again as it was read.
    fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != 24 {
            return None;
        }
        let mut number: u128 = 0;
        for digit in text {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            number = number << 4 | u128::from(value);
        }
        let found = Self([(number >> 64) as u32, (number >> 32) as u32, number as u32]);
        (!found.is_none()).then_some(found)
    }
}

impl Chain {
    pub(crate) fn parse(text: &Bytes) -> Self {
        Correlation::parse(text).map_or_else(|| Self::Text(text.clone()), Self::Number)
    }

    /// The chain of a message: its own, else its id, else a new one.
    pub(crate) fn of(message: &Message) -> Self {
        message
            .chain()
            .or_else(|| message.id_bytes().map(Self::parse))
            .unwrap_or_else(|| Self::Number(Correlation::random()))
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}{:08x}{:08x}", self.0[0], self.0[1], self.0[2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_modi_made_comes_back_and_any_other_stays_text() {
        let made = Correlation::random();
        assert!(!made.is_none() && Correlation::parse(made.to_string().as_bytes()) == Some(made));
        for other in ["", "c-1", "0123456789ABCDEF01234567", "000000000000000000000000"] {
            assert!(Correlation::parse(other.as_bytes()).is_none(), "{other}");
        }
        let small = "00000000000000000000002a";
        assert_eq!(Correlation::parse(small.as_bytes()).map(|id| id.to_string()).as_deref(), Some(small));
    }
}
