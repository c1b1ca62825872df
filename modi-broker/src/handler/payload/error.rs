//! Why a payload is not what the handler takes, without the values that are in it.

/// Why a payload is not what the handler takes. Trying again cannot mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// There is none.
    #[error("the message has no payload: take an `Option<_>` if that is meant")]
    Absent,
    /// The message says that it is something else.
    #[error("the message declares the content type `{found}`, and the handler takes {wanted}")]
    ContentType {
        /// What it declares.
        found: String,
        /// What the handler takes.
        wanted: &'static str,
    },
    /// The message is in a format that this program was built without.
    #[error("the message declares the content type `{found}`: switch on the feature `{feature}` of `modi`")]
    Feature {
        /// What it declares.
        found: String,
        /// The feature.
        feature: &'static str,
    },
    /// It cannot be decoded.
    #[error("the payload is not a `{wanted}` as {format}")]
    Malformed {
        /// The type.
        wanted: &'static str,
        /// The format.
        format: &'static str,
        /// The cause.
        #[source]
        source: DecodeError,
    },
}

/// What is wrong with a payload, and where, without the values that are in it: they may be secret, and errors end in logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

impl DecodeError {
    /// A text that quotes nothing.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text of an error of serde, of which what it quotes is left out.
    ///
    /// `invalid type: string "hunter2", expected u64`: what is quoted before `expected` comes from the payload.
    pub(super) fn of_serde(mut text: String) -> Self {
        if let Some(expected) = text.rfind(", expected")
            && let Some(quoted) = text[..expected].find(['"', '`'])
        {
            let before = text[..quoted].trim_end().len();
            text.replace_range(before..expected, "");
        }
        Self(text)
    }
}

impl PayloadError {
    pub(super) fn malformed<T>(format: &'static str, source: DecodeError) -> Self {
        Self::Malformed { wanted: std::any::type_name::<T>(), format, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    enum Colour {
        Red,
    }

    fn said<T: for<'de> Deserialize<'de>>(json: &str) -> String {
        let error = serde_json::from_str::<T>(json).err();
        error.map(|error| DecodeError::of_serde(error.to_string()).to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_said_without_the_values() {
        assert_eq!(said::<u64>("\"hunter2\""), "invalid type: string, expected u64 at line 1 column 9");
        assert_eq!(said::<u8>("4711"), "invalid value: integer, expected u8 at line 1 column 4");
        assert_eq!(said::<Colour>("\"hunter2, expected\""), "unknown variant, expected `Red` at line 1 column 19");
        assert_eq!(said::<(u8, u8)>("[1]"), "invalid length 1, expected a tuple of size 2 at line 1 column 3");
    }
}
