//! The name of a pool, which is its id.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The unique name of a pool: 3–63 of `[a-z0-9-]`, beginning and ending with a letter or digit. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PoolId(Arc<str>);

/// Why a text is not a pool id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPoolId {
    /// Too short or too long.
    #[error("must have {min} to {max} characters, not {actual}", min = PoolId::CHARACTERS_MIN, max = PoolId::CHARACTERS_MAX)]
    Length {
        /// How many there are.
        actual: usize,
    },
    /// A character that is not allowed, or a hyphen at an end.
    #[error(
        "may have only the characters a-z, 0-9 and -, and begins and ends with a letter or digit"
    )]
    Characters,
}

impl PoolId {
    /// The fewest characters.
    pub const CHARACTERS_MIN: usize = 3;
    /// The most characters; a DNS label holds as many.
    pub const CHARACTERS_MAX: usize = 63;

    /// Reads a pool id.
    ///
    /// # Errors
    /// Says which rule of the name does not hold.
    pub fn parse(text: &str) -> Result<Self, InvalidPoolId> {
        let actual = text.chars().count();
        if !(Self::CHARACTERS_MIN..=Self::CHARACTERS_MAX).contains(&actual) {
            return Err(InvalidPoolId::Length { actual });
        }
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !text.bytes().all(allowed) || text.starts_with('-') || text.ends_with('-') {
            return Err(InvalidPoolId::Characters);
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_contract() {
        for good in ["abc", "a-1", "0-0", &"a".repeat(63)] {
            assert_eq!(PoolId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["ab", &"a".repeat(64), ""] {
            assert_eq!(
                PoolId::parse(bad),
                Err(InvalidPoolId::Length { actual: bad.len() })
            );
        }
        for bad in ["-ab", "ab-", "aBc", "a_b", "a b", "äöü", "a/b"] {
            assert_eq!(PoolId::parse(bad), Err(InvalidPoolId::Characters), "{bad}");
        }
    }
}
