//! Consistency tokens: opaque proof of "at least as fresh as this".

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::log::Position;

/// Names a position of a log. Callers hand it on and never look inside; it carries no authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConsistencyToken {
    /// All events up to here.
    pub position: Position,
}

/// The text is not a token of this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a consistency token")]
pub struct InvalidToken;

impl ConsistencyToken {
    /// The first byte: how the rest is read.
    const FORMAT: u8 = 1;
    /// Which log; there is one today, and every token says so.
    const LOG: u16 = 0;

    /// Names `position`.
    #[must_use]
    pub const fn new(position: Position) -> Self {
        Self { position }
    }

    /// The token on the wire.
    #[must_use]
    pub fn encode(self) -> String {
        let mut bytes = Vec::with_capacity(11);
        bytes.push(Self::FORMAT);
        bytes.extend(Self::LOG.to_be_bytes());
        bytes.extend(self.position.get().to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token.
    ///
    /// # Errors
    /// Anything that [`Self::encode`] does not write.
    pub fn decode(text: &str) -> Result<Self, InvalidToken> {
        let invalid = |_| InvalidToken;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(invalid)?;
        let (head, position) = bytes.split_at_checked(3).ok_or(InvalidToken)?;
        let [high, low] = Self::LOG.to_be_bytes();
        if head != [Self::FORMAT, high, low] {
            return Err(InvalidToken);
        }
        let position = i64::from_be_bytes(position.try_into().map_err(|_size| InvalidToken)?);
        Position::new(position).map(Self::new).ok_or(InvalidToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_back_and_nothing_else_is() {
        let token = ConsistencyToken::new(Position::new(42).unwrap());
        assert_eq!(ConsistencyToken::decode(&token.encode()), Ok(token));
        for bad in [
            "",
            "AQ",
            "AAAAAAAAAAAAAAA",
            "not a token",
            "AQAA__________8",
        ] {
            assert_eq!(ConsistencyToken::decode(bad), Err(InvalidToken), "{bad}");
        }
    }
}
