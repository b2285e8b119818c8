//! One monotonic clock for all clients, set once by the log's.

use std::time::Instant;

use chrono::{DateTime, Utc};
use onsale_shared::time::Timestamp;
use sqlx::PgConnection;

/// So often the log's clock is asked; the quickest answer counts.
const QUESTIONS: usize = 50;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    started: Instant,
    start: Timestamp,
}

impl Stopwatch {
    pub(crate) async fn set_by(log: &mut PgConnection) -> Self {
        let mut quickest = None;
        for _ in 0..QUESTIONS {
            let sent = Instant::now();
            let time: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()")
                .fetch_one(&mut *log)
                .await
                .unwrap();
            let took = sent.elapsed();
            if quickest.is_none_or(|(least, _)| took < least) {
                let started = sent + took / 2;
                let start = time.into();
                quickest = Some((took, Self { started, start }));
            }
        }
        quickest.unwrap().1
    }

    pub(crate) fn now(self) -> Timestamp {
        self.start.plus(self.started.elapsed())
    }
}
