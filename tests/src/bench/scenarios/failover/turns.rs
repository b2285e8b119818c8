//! How batches of two instances on one pool followed each other, and how many of the other's an instance waited for.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::timeout;

use crate::{bench::load::template::number_of, database::TestDatabase};

/// So many batches of the other instance may come first.
const WAITED_FOR_MAX: usize = 2;

/// When each request was sent, by its number.
pub(super) type SentAt = HashMap<u64, Instant>;
/// The same by the log's clock.
type SentAtLog = HashMap<u64, DateTime<Utc>>;

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turns {
    pub(super) batches: u64,
    /// The third batch of an instance in a row, or a later one.
    pub(super) third_in_a_row: u64,
    /// Before so many batches more than two of the other instance were recorded since the first of their own claims was
    /// sent. On its way to the service a claim does not wait for anybody, but that is not told apart.
    pub(super) waited_longer: u64,
}

/// What was recorded at the same time.
#[derive(Clone, Debug)]
struct Batch {
    recorded_at: DateTime<Utc>,
    instance: String,
    requests: Vec<String>,
}

impl Batch {
    fn first_sent(&self, sent: &SentAtLog) -> Option<DateTime<Utc>> {
        let numbers = self
            .requests
            .iter()
            .filter_map(|id| number_of(id.as_bytes()));
        numbers
            .filter_map(|number| sent.get(&number))
            .min()
            .copied()
    }
}

/// From the log.
pub(super) async fn turns(database: &TestDatabase, sent: &SentAt) -> anyhow::Result<Turns> {
    let mut admin = database.admin().await;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(&mut admin)
        .await?;
    let asked = Instant::now();
    let at_log = |(number, sent): (&u64, &Instant)| {
        let ago = TimeDelta::from_std(asked.duration_since(*sent))?;
        Ok((*number, now - ago))
    };
    let sent: anyhow::Result<SentAtLog> = sent.iter().map(at_log).collect();
    let reading = async {
        sqlx::query_as::<_, (DateTime<Utc>, String, Vec<String>)>(
            "SELECT recorded_at, min(metadata -> 'source' ->> 'instance'), array_agg(metadata ->> 'request_id') \
               FROM onsale_log.events WHERE stream = 'pools/hot' AND version > 1 \
              GROUP BY recorded_at ORDER BY min(position)",
        )
        .fetch_all(&mut admin)
        .await
    };
    let rows = timeout(Duration::from_mins(1), reading)
        .await
        .context("the log is not read in time")??;
    let batches = rows
        .into_iter()
        .map(|(recorded_at, instance, requests)| Batch {
            recorded_at,
            instance,
            requests,
        });
    Ok(count(&batches.collect::<Vec<_>>(), &sent?))
}

fn count(batches: &[Batch], sent: &SentAtLog) -> Turns {
    let mut turns = Turns::default();
    for (n, batch) in batches.iter().enumerate() {
        let (before, _) = batches.split_at(n);
        let is_own = |other: &&Batch| other.instance == batch.instance;
        let own = before.iter().rev().take_while(is_own).count();
        let others = before.iter().rev().take_while(|other| !is_own(other));
        let first_sent = batch.first_sent(sent);
        let waited_for =
            others.filter(|other| first_sent.is_some_and(|sent| sent < other.recorded_at));
        turns.batches += 1;
        turns.third_in_a_row += u64::from(own >= WAITED_FOR_MAX);
        turns.waited_longer += u64::from(waited_for.count() > WAITED_FOR_MAX);
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(micros).unwrap()
    }

    #[test]
    fn an_instance_waits_when_a_claim_was_sent_before_three_batches_of_the_other() {
        // a a a b b b a: the third a is a third in a row; so is the third b, for which the last a waited or not.
        let batches: Vec<_> = "aaabbba"
            .chars()
            .zip(1_i64..)
            .map(|(instance, n)| Batch {
                recorded_at: at(n * 10),
                instance: instance.to_string(),
                requests: vec![format!("00000000-0000-4000-8000-{n:012x}")],
            })
            .collect();
        let turns = |last_sent| {
            let sent = (1..=7).map(|n| (n, at(i64::try_from(n).unwrap() * 10 - 1)));
            let mut sent: SentAtLog = sent.collect();
            sent.extend(last_sent);
            count(&batches, &sent)
        };
        let fair = Turns {
            batches: 7,
            third_in_a_row: 2,
            waited_longer: 0,
        };
        assert_eq!(turns(None), fair);
        assert_eq!(turns(Some((7, at(41)))), fair, "for two of them");
        let unfair = Turns {
            waited_longer: 1,
            ..fair
        };
        assert_eq!(turns(Some((7, at(39)))), unfair, "for three of them");
        assert_eq!(turns(Some((4, at(1)))), unfair, "b, for three of a");
    }
}
