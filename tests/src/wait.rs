//! Waiting for what must come true. Tests wait for conditions, never for time to pass.

use std::{fmt, future::Future, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

/// How long two looks at a condition are apart.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Looks again and again until `look` finds what it looks for, and returns it.
///
/// # Panics
/// It was not there within `limit`; the message says `what`.
pub async fn eventually<T, Look, Looking>(
    limit: Duration,
    what: impl fmt::Display,
    mut look: Look,
) -> T
where
    Look: FnMut() -> Looking,
    Looking: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + limit;
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(LOOK_INTERVAL).await;
        }
    };
    let found = timeout_at(deadline, looking).await.ok();
    assert!(found.is_some(), "not within {limit:?}: {what}");
    found.expect("asserted above")
}

/// Waits for a future that must end by itself.
///
/// # Panics
/// It did not end within `limit`; the message says `what`.
pub async fn within<T>(
    limit: Duration,
    what: impl fmt::Display,
    future: impl Future<Output = T>,
) -> T {
    let ended = tokio::time::timeout(limit, future).await.ok();
    assert!(ended.is_some(), "not within {limit:?}: {what}");
    ended.expect("asserted above")
}
