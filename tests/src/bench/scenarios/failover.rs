//! Two instances on the same hot pool: how they take turns, and how soon the one goes on when the other is killed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{sync::Mutex, task::JoinSet, time::timeout};

use super::{
    Scenario, Settings,
    contest::{HOT, PLENTY, hot_claims},
};
use crate::{
    bench::{
        load::{calls::Calls, connection::Connection},
        report::Findings,
    },
    caller::{Caller, a_pool},
    database::TestDatabase,
    service::{Kind, Service},
    system::migrated_database,
};

/// Claims that each instance always has to decide.
const IN_FLIGHT: usize = 64;
/// How long the survivor is watched.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// When the survivor accepted a claim last, and the longest time without one since the other was killed.
#[derive(Debug)]
struct Gaps {
    last: Instant,
    longest: Duration,
    accepted: u64,
}

impl Gaps {
    fn accepted(&mut self) {
        self.longest = self.longest.max(self.last.elapsed());
        self.last = Instant::now();
        self.accepted += 1;
    }
}

/// Measures turns over a span, then a kill.
///
/// # Errors
/// An instance does not start, or the database cannot be asked.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let database = migrated_database().await;
    let killed = Service::start(Kind::Command, database.url(), &[]).await;
    let survivor = Service::start(Kind::Command, database.url(), &[]).await;
    let channel = survivor.channel().await;
    Caller::new(channel.clone(), channel)
        .create(HOT, a_pool(PLENTY))
        .await?;
    let calls = Arc::new(hot_claims()?);
    let now = Instant::now();
    let gaps = Arc::new(Mutex::new(Gaps {
        last: now,
        longest: Duration::ZERO,
        accepted: 0,
    }));
    let mut claiming = JoinSet::new();
    for (service, watched) in [(&killed, None), (&survivor, Some(&gaps))] {
        let connection = Connection::open(service.address()).await?;
        for _ in 0..IN_FLIGHT {
            let claims = keep_claiming(connection.clone(), Arc::clone(&calls), watched.cloned());
            drop(claiming.spawn(claims));
        }
    }
    tokio::time::sleep(settings.timing().warm_up + settings.timing().span).await;
    let turns = turns(&database).await?;
    killed.kill().await;
    let accepted = {
        let mut gaps = gaps.lock().await;
        gaps.longest = Duration::ZERO;
        gaps.accepted
    };
    tokio::time::sleep(AFTERWARDS).await;
    let gaps = gaps.lock().await;
    anyhow::ensure!(gaps.accepted > accepted, "the survivor accepts nothing");
    let longest = gaps.longest.max(gaps.last.elapsed());
    for (name, value, unit) in [
        ("batches of two instances on one pool", turns.batches, ""),
        (
            "of them, a third or later one in a row of the same instance",
            turns.third_in_a_row,
            "",
        ),
        (
            "one instance killed: the longest time without a claim",
            longest.as_millis().try_into()?,
            "ms",
        ),
    ] {
        findings.note(Scenario::Failover, name, value, unit);
    }
    Ok(())
}

/// Claims until the connection breaks.
async fn keep_claiming(
    connection: Connection,
    calls: Arc<Calls>,
    watched: Option<Arc<Mutex<Gaps>>>,
) {
    while let Ok(answer) = connection.call(calls.method, calls.next()).await {
        if let Some(gaps) = &watched
            && answer.is_ok()
        {
            gaps.lock().await.accepted();
        }
    }
}

/// How batches of two instances followed each other.
struct Turns {
    batches: u64,
    /// The other one waited for more than two.
    third_in_a_row: u64,
}

/// From the log: a batch is what was recorded at the same time.
async fn turns(database: &TestDatabase) -> anyhow::Result<Turns> {
    let counting = async {
        sqlx::query_as::<_, (i64, i64)>(
            "WITH batches AS (SELECT min(position) AS position, \
                                     min(metadata -> 'source' ->> 'instance') AS instance \
                                FROM onsale_log.events WHERE stream = 'pools/hot' AND version > 1 \
                               GROUP BY recorded_at), \
                  rows AS (SELECT instance, lag(instance) OVER w AS before, lag(instance, 2) OVER w AS before_that \
                             FROM batches WINDOW w AS (ORDER BY position)) \
             SELECT count(*), count(*) FILTER (WHERE instance = before AND instance = before_that) FROM rows",
        )
        .fetch_one(&mut database.admin().await)
        .await
    };
    let (batches, third) = timeout(Duration::from_mins(1), counting)
        .await
        .context("the log is not counted in time")??;
    Ok(Turns {
        batches: batches.try_into()?,
        third_in_a_row: third.try_into()?,
    })
}
