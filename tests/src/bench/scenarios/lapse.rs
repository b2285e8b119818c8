//! The life of claims under load: half of all claims are bought, half lapse after a second, and the pool is so small that
//! places have to come back for others to claim them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use onsale_proto::v1;
use sqlx::Row as _;

use super::{
    Scenario, Settings,
    contest::{HOT, figures},
};
use crate::{
    bench::{
        engines::{Engine, running::Running},
        load::{
            Timing,
            calls::{Calls, number},
            closed::count,
            connection::{Connection, Method},
            tally::{Measured, Tally},
            template::{self, Template},
        },
        meter::Meter,
        report::Findings,
    },
    caller::a_pool,
};

/// How long a claim lives.
const CLAIM_SECONDS: i64 = 1;
/// Places for the claims of so many seconds; further ones need places that came back.
const SLACK_SECONDS: u64 = 3;
/// More than are ever sold while the rate is found.
const PLENTY: i64 = 10_000_000;

/// Measures Onsale; the other engines' tickets never come back.
///
/// # Errors
/// The engine does not start, or the load cannot run.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let mut rounds = Vec::new();
    let (mut claimed, mut lapsed) = (0, 0);
    for _round in 0..settings.rounds {
        let running = Running::start(Engine::Onsale).await?;
        let connections = Connection::open_all(&running.addresses(), settings.connections).await?;
        let mut meter = running.meter().await?;
        let in_flight = settings.in_flight;
        open(&running, "calibration", PLENTY).await?;
        let short = Timing {
            warm_up: settings.timing().warm_up,
            span: Duration::from_secs(1),
        };
        let found = live(&connections, "calibration", in_flight, short, &mut meter).await?;
        // Of three commands two are claims, of which one lapses and the other is bought.
        let each_second = found.per_second() / 3;
        let timing = settings.timing();
        let seconds = (timing.warm_up + timing.span).as_secs() + SLACK_SECONDS;
        open(&running, HOT, i64::try_from(each_second * seconds)?).await?;
        let measured = live(&connections, HOT, in_flight, timing, &mut meter).await?;
        rounds.push(figures(&measured, &mut meter).await?);
        let counts = sqlx::query(
            "SELECT count(*) FILTER (WHERE type = 'TicketClaimed'), count(*) FILTER (WHERE type = 'TicketReleased')
               FROM onsale_log.events WHERE position > $1 AND position <= $2",
        )
        .bind(measured.usage.positions.0)
        .bind(measured.usage.positions.1)
        .fetch_one(&mut running.database.admin().await)
        .await?;
        claimed += counts.try_get::<i64, _>(0)?;
        lapsed += counts.try_get::<i64, _>(1)?;
    }
    findings.add(Scenario::Lapse, "onsale (claims and purchases)", rounds);
    let percent = u64::try_from(lapsed * 100 / claimed.max(1))?;
    findings.note(
        Scenario::Lapse,
        "claims that lapsed and were swept",
        percent,
        "%",
    );
    Ok(())
}

async fn open(running: &Running, id: &str, capacity: i64) -> anyhow::Result<()> {
    let pool = v1::Pool {
        claim_duration: Some(prost_types::Duration {
            seconds: CLAIM_SECONDS,
            nanos: 0,
        }),
        ..a_pool(capacity)
    };
    running.open_pools(&[id.to_owned()], &pool).await
}

/// A closed loop of: claim, buy, claim and let go.
async fn live(
    connections: &[Connection],
    pool: &str,
    in_flight: usize,
    timing: Timing,
    meter: &mut Meter,
) -> anyhow::Result<Measured> {
    let tally = Arc::new(Tally::new()?);
    let claims = Arc::new(Calls::of(
        Method::Claim,
        Template::new(&template::claim(pool, 1))?,
    ));
    let loops: Vec<_> = connections
        .iter()
        .cycle()
        .take(in_flight)
        .map(|connection| {
            let life = keep_living(connection.clone(), Arc::clone(&claims), Arc::clone(&tally));
            tokio::spawn(life)
        })
        .collect();
    let measured = count(&tally, timing, meter).await;
    for life in loops {
        life.await??;
    }
    measured
}

async fn keep_living(
    connection: Connection,
    claims: Arc<Calls>,
    tally: Arc<Tally>,
) -> anyhow::Result<()> {
    let mut buys = true;
    while !tally.is_ended() {
        let called = Instant::now();
        let answer = connection.call(claims.method, claims.next()).await?;
        let outcome = claims.check(&answer);
        let claimed = outcome.is_ok();
        tally.count(called.elapsed(), outcome);
        if claimed && buys {
            let claimed: v1::ClaimTicketsResponse = template::unframed(&answer.body)?;
            let claim = claimed.claim.context("a claim")?.name;
            let called = Instant::now();
            let answer = connection
                .call(Method::Buy, template::buy(&claim, number())?)
                .await?;
            tally.count(called.elapsed(), claims.check(&answer));
        }
        buys = !buys;
    }
    Ok(())
}
