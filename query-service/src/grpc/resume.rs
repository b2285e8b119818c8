//! Resume tokens: how far a stream of certain pools was delivered. Opaque to callers; they carry no authority.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use onsale_shared::{id::PoolId, log::Position, time::Timestamp};
use sha2::{Digest as _, Sha256};

use crate::availability::Progress;

/// Tells one set of pools from another, whatever their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 8]);

/// The text is not a token of a stream of these pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a resume token of a stream of the same pools")]
pub(super) struct InvalidResumeToken;

/// The first byte (how the rest is read; consistency tokens have another one), and the number of the log.
const HEAD: [u8; 3] = [3, 0, 0];

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

/// The token of a stream of `pools` of which all that events and time had changed up to `delivered` was delivered.
pub(super) fn encode(pools: Fingerprint, delivered: Progress) -> String {
    let mut bytes = Vec::with_capacity(27);
    bytes.extend(HEAD);
    bytes.extend(delivered.position.get().to_be_bytes());
    bytes.extend(delivered.time.as_micros().to_be_bytes());
    bytes.extend(pools.0);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// How far the stream of `pools` was delivered.
pub(super) fn decode(pools: Fingerprint, text: &str) -> Result<Progress, InvalidResumeToken> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_error| InvalidResumeToken)?;
    let rest = bytes.strip_prefix(&HEAD).ok_or(InvalidResumeToken)?;
    let (position, rest) = rest.split_first_chunk().ok_or(InvalidResumeToken)?;
    let (time, of) = rest.split_first_chunk().ok_or(InvalidResumeToken)?;
    if of != pools.0 {
        return Err(InvalidResumeToken);
    }
    let position = Position::new(i64::from_be_bytes(*position));
    Ok(Progress {
        position: position.ok_or(InvalidResumeToken)?,
        time: Timestamp::from_micros(i64::from_be_bytes(*time)),
    })
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
        let delivered = Progress {
            position: Position::new(42).unwrap(),
            time: Timestamp::from_micros(-7),
        };
        let token = encode(pools(&["aaa", "bbb"]), delivered);
        assert_eq!(decode(pools(&["bbb", "aaa"]), &token), Ok(delivered));
        assert_eq!(decode(pools(&["aaa"]), &token), Err(InvalidResumeToken));
        assert_eq!(
            decode(pools(&["aaa", "bbc"]), &token),
            Err(InvalidResumeToken)
        );
    }

    #[test]
    fn anything_else_is_refused() {
        let of = pools(&["aaa"]);
        let below_zero = URL_SAFE_NO_PAD.encode([&HEAD[..], &[0xff; 16], &of.0].concat());
        let consistency = onsale_shared::token::ConsistencyToken::new(Position::START).encode();
        for bad in ["", "AgAA", "not a token", &below_zero, &consistency] {
            assert_eq!(decode(of, bad), Err(InvalidResumeToken), "{bad}");
        }
    }
}
