//! 1,000 claims of 100 tickets each, voided by one command: how long until every place is back.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use onsale_proto::v1;

use super::Scenario;
use crate::{
    bench::report::Findings,
    caller::{a_pool, claim_request},
    system::System,
};

const POOL: &str = "voided";
/// Claims ...
const CLAIMS: u32 = 1_000;
/// ... of so many tickets each, the most that one order may name.
const TICKETS: u32 = 100;
/// Claims under way at once.
const IN_FLIGHT: usize = 32;
/// It takes no longer than this, or something is wrong.
const LIMIT: Duration = Duration::from_secs(120);
/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Measures from the acknowledgement of `StopSales` until the log has a release of each ticket, and until query-service
/// says that none is held.
///
/// # Errors
/// The system does not start, a command fails, or the places do not come back.
pub async fn run(findings: &mut Findings) -> anyhow::Result<()> {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let tickets = i64::from(CLAIMS * TICKETS);
    let pool = v1::Pool {
        max_tickets_per_order: TICKETS,
        ..a_pool(tickets)
    };
    caller.create(POOL, pool).await?;
    stream::iter(0..CLAIMS)
        .map(|n| {
            let mut caller = caller.clone();
            let request = claim_request(POOL, &format!("holder-{n}"), TICKETS);
            async move { caller.commands.claim_tickets(request).await }
        })
        .buffer_unordered(IN_FLIGHT)
        .try_for_each(|_claimed| async { Ok(()) })
        .await?;
    let receipt = caller
        .stop_sales(POOL, v1::StopMode::VoidClaims)
        .await
        .context("StopSales")?;
    let stopped = Instant::now();
    let mut log = system.database.admin().await;
    let (mut recorded, mut shown) = (None, None);
    while recorded.is_none() || shown.is_none() {
        anyhow::ensure!(stopped.elapsed() < LIMIT, "places are not back");
        let released: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM onsale_log.events WHERE position > $1 AND type = 'TicketReleased'",
        )
        .bind(receipt.position)
        .fetch_one(&mut log)
        .await?;
        if released == tickets {
            recorded.get_or_insert_with(|| stopped.elapsed());
        }
        let token = &receipt.consistency_token;
        if caller.availability(POOL, token).await?.held == 0 {
            shown.get_or_insert_with(|| stopped.elapsed());
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    for (name, after) in [
        (
            "100,000 voided tickets are released in the log after",
            recorded,
        ),
        ("query-service shows that none is held after", shown),
    ] {
        let millis = after.unwrap_or_default().as_millis().try_into()?;
        findings.note(Scenario::Void, name, millis, "ms");
    }
    Ok(())
}
