//! When a call must be answered: `grpc-timeout`
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests>), or the server's default.

use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

/// No read waits longer, whatever its caller allows.
const LONGEST: Duration = Duration::from_secs(60);
/// What is kept back at most, so that the answer arrives before the caller gives up.
const RESERVE_MAX: Duration = Duration::from_millis(100);

/// The moment by which the answer must be on its way.
pub(super) fn deadline(metadata: &MetadataMap, default: Duration) -> Instant {
    let asked = metadata
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok())
        .and_then(parse);
    Instant::now() + asked.map_or(default, allowed)
}

fn allowed(asked: Duration) -> Duration {
    asked
        .saturating_sub(RESERVE_MAX.min(asked / 10))
        .min(LONGEST)
}

/// At most 8 digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        assert_eq!(parse("5S"), Some(Duration::from_secs(5)));
        assert_eq!(parse("1500m"), Some(Duration::from_millis(1_500)));
        assert_eq!(
            parse("99999999H"),
            Some(Duration::from_secs(359_999_996_400))
        );
        for bad in ["", "S", "5", "5x", "-5S", "+5S", "123456789S", "5€"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_little_is_kept_back_and_nobody_waits_for_ever() {
        assert_eq!(
            allowed(Duration::from_secs(5)),
            Duration::from_millis(4_900)
        );
        assert_eq!(
            allowed(Duration::from_millis(50)),
            Duration::from_millis(45)
        );
        assert_eq!(allowed(Duration::MAX), LONGEST);
    }
}
