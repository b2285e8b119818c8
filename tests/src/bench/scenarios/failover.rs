//! Two instances on the same hot pool: how they take turns, and how soon the one goes on when the other is killed.

mod turns;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{sync::Mutex, task::JoinSet};

use turns::{SentAt, turns};

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
    scrape::{Measures, free_address, scrape},
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
    let (killed, of_killed) = measured_instance(&database).await?;
    let (survivor, of_survivor) = measured_instance(&database).await?;
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
    let sent = Arc::new(Mutex::new(SentAt::default()));
    let mut claiming = JoinSet::new();
    for (service, watched) in [(&killed, None), (&survivor, Some(&gaps))] {
        let connection = Connection::open(service.address()).await?;
        for _ in 0..IN_FLIGHT {
            let claims = keep_claiming(
                connection.clone(),
                Arc::clone(&calls),
                Arc::clone(&sent),
                watched.cloned(),
            );
            drop(claiming.spawn(claims));
        }
    }
    tokio::time::sleep(settings.timing().warm_up + settings.timing().span).await;
    let turns = turns(&database, &*sent.lock().await).await?;
    let (mut take_overs, mut unfair) = (0, 0);
    for instance in [of_killed, of_survivor] {
        let (all, longer) = waited_for(&scrape(instance).await?)?;
        (take_overs, unfair) = (take_overs + all, unfair + longer);
    }
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
            "of them, after more than two of the other since a claim was sent",
            turns.waited_longer,
            "",
        ),
        ("take-overs of the log's lock", take_overs, ""),
        (
            "of them, after more than two batches of the other since the lock was asked for",
            unfair,
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

/// An instance, and where it says what it measures.
async fn measured_instance(database: &TestDatabase) -> anyhow::Result<(Service, SocketAddr)> {
    let metrics = free_address()?;
    let listen = metrics.to_string();
    let options = [("ONSALE_COMMAND_METRICS_LISTEN", listen.as_str())];
    let service = Service::start(Kind::Command, database.url(), &options).await;
    Ok((service, metrics))
}

/// How many take-overs there were, and before how many the other instance had more than two batches since the lock was asked
/// for.
fn waited_for(measures: &Measures) -> anyhow::Result<(u64, u64)> {
    let number = |series: &str| -> anyhow::Result<u64> {
        let series = format!("onsale_take_over_waited_for_batches_{series}");
        let value = measures.value(&series).context(series)?;
        Ok(format!("{value:.0}").parse()?)
    };
    let (all, fair) = (number("count")?, number("bucket{le=\"2\"}")?);
    Ok((all, all.saturating_sub(fair)))
}

/// Claims until the connection breaks.
async fn keep_claiming(
    connection: Connection,
    calls: Arc<Calls>,
    sent: Arc<Mutex<SentAt>>,
    watched: Option<Arc<Mutex<Gaps>>>,
) {
    loop {
        let (template, number) = calls.next_template();
        sent.lock().await.insert(number, Instant::now());
        let Ok(answer) = connection
            .call(calls.method, template.stamped(number))
            .await
        else {
            return;
        };
        if let Some(gaps) = &watched
            && answer.is_ok()
        {
            gaps.lock().await.accepted();
        }
    }
}
