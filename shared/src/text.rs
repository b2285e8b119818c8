//! Short texts of callers': opaque references and sentences for people, each with its limit.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing was given where something is required.
    #[error("is required")]
    Empty,
    /// Too many characters.
    #[error("must have at most {max} characters, not {actual}")]
    TooLong {
        /// The limit.
        max: usize,
        /// How many there are.
        actual: usize,
    },
    /// A space, a control character or a letter beyond ASCII in a reference.
    #[error("may have only visible ASCII characters, without spaces")]
    NotVisible,
    /// A control character in a sentence.
    #[error("may not have control characters")]
    Control,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// An opaque reference of a caller's (a customer, a promoter, a show, a cart, a payment): 1–128 visible ASCII
    /// characters. Never a name or an e-mail: no personal data enters the log. Cheap to clone.
    Reference
}
text! {
    /// A sentence or title for people, without control characters. Cheap to clone.
    Sentence
}

impl Reference {
    /// The most characters.
    pub const CHARACTERS_MAX: usize = 128;

    /// Reads a reference.
    ///
    /// # Errors
    /// Says which rule does not hold.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let actual = text.chars().count();
        if actual == 0 {
            return Err(InvalidText::Empty);
        }
        if actual > Self::CHARACTERS_MAX {
            return Err(InvalidText::TooLong {
                max: Self::CHARACTERS_MAX,
                actual,
            });
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidText::NotVisible);
        }
        Ok(Self(text.into()))
    }
}

impl Sentence {
    /// Reads a sentence of at most `max` characters.
    ///
    /// # Errors
    /// Says which rule does not hold.
    pub fn parse(text: &str, max: usize) -> Result<Self, InvalidText> {
        let actual = text.chars().count();
        if actual == 0 {
            return Err(InvalidText::Empty);
        }
        if actual > max {
            return Err(InvalidText::TooLong { max, actual });
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidText::Control);
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_visible_and_short() {
        assert!(Reference::parse("customer-1/ü").is_err());
        assert!(Reference::parse("a b").is_err());
        assert!(Reference::parse("a\0").is_err());
        assert_eq!(Reference::parse(""), Err(InvalidText::Empty));
        assert!(Reference::parse(&"x".repeat(128)).is_ok());
        assert_eq!(
            Reference::parse(&"x".repeat(129)),
            Err(InvalidText::TooLong {
                max: 128,
                actual: 129
            })
        );
    }

    #[test]
    fn sentences_may_be_of_any_language_but_not_control() {
        assert!(Sentence::parse("Träume – 日本", 20).is_ok());
        assert_eq!(Sentence::parse("a\nb", 20), Err(InvalidText::Control));
    }
}
