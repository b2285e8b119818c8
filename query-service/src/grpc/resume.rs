//! Resume tokens: how far a stream of certain pools was delivered. Opaque to callers; they carry no authority.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use onsale_shared::{id::PoolId, log::Position};
use sha2::{Digest as _, Sha256};

/// Tells one set of pools from another, whatever their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 8]);

/// The text is not a token of a stream of these pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a resume token of a stream of the same pools")]
pub(super) struct InvalidResumeToken;

/// The first byte (how the rest is read; consistency tokens have another one), and the number of the log.
const HEAD: [u8; 3] = [2, 0, 0];

impl Fingerprint {
    pub(super) fn of(pools: &[PoolId]) -> Self {
        let mut names: Vec<_> = pools.iter().map(PoolId::as_str).collect();
        names.sort_unstable();
        let hash: [u8; 32] = Sha256::digest(names.join("\n")).into();
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        Self(first)
    }
}

/// The token of a stream of `pools` that was delivered up to `position`.
pub(super) fn encode(pools: Fingerprint, position: Position) -> String {
    let mut bytes = Vec::with_capacity(19);
    bytes.extend(HEAD);
    bytes.extend(position.get().to_be_bytes());
    bytes.extend(pools.0);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// How far the stream of `pools` was delivered.
pub(super) fn decode(pools: Fingerprint, text: &str) -> Result<Position, InvalidResumeToken> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_error| InvalidResumeToken)?;
    let rest = bytes.strip_prefix(&HEAD).ok_or(InvalidResumeToken)?;
    let (position, of) = rest.split_first_chunk::<8>().ok_or(InvalidResumeToken)?;
    if of != pools.0 {
        return Err(InvalidResumeToken);
    }
    Position::new(i64::from_be_bytes(*position)).ok_or(InvalidResumeToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(names: &[&str]) -> Fingerprint {
        let names: Vec<_> = names
            .iter()
            .map(|name| PoolId::parse(name).unwrap())
            .collect();
        Fingerprint::of(&names)
    }

    #[test]
    fn a_token_is_for_the_pools_that_it_was_made_for() {
        let position = Position::new(42).unwrap();
        let token = encode(pools(&["aaa", "bbb"]), position);
        assert_eq!(decode(pools(&["bbb", "aaa"]), &token), Ok(position));
        assert_eq!(decode(pools(&["aaa"]), &token), Err(InvalidResumeToken));
        assert_eq!(
            decode(pools(&["aaa", "bbc"]), &token),
            Err(InvalidResumeToken)
        );
    }

    #[test]
    fn anything_else_is_refused() {
        let of = pools(&["aaa"]);
        let below_zero = URL_SAFE_NO_PAD.encode([&HEAD[..], &[0xff; 8], &of.0].concat());
        let consistency = onsale_shared::token::ConsistencyToken::new(Position::START).encode();
        for bad in ["", "AgAA", "not a token", &below_zero, &consistency] {
            assert_eq!(decode(of, bad), Err(InvalidResumeToken), "{bad}");
        }
    }
}
