//! Two instances on the same hot pool: how they take turns, and how soon the one goes on when the other is killed.

mod turns;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

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
