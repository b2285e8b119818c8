//! How much memory an instance takes over a log of many pools, of which some are active.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use onsale_command_service::domain::{Command, commands::PurchaseTickets};
use onsale_shared::{
    id::PoolId,
    log::{AppendBatch, EventLog as _, Group},
};

use super::filling::{Filling, create, order};
use crate::{
    caller::Caller,
    database::TestDatabase,
    service::{Kind, Service, resident_kib},
    system::migrated_database,
    wait::eventually,
};

/// Pools an append.
const APPENDED_AT_ONCE: u32 = 100;
/// Calls in flight.
const IN_FLIGHT: usize = 32;
/// How long the background work of an instance may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Resident memory of a command-service, in KiB.
#[derive(Clone, Copy, Debug)]
pub struct ManyPools {
    /// After its start, with the deadlines of all pools.
    pub idle: u64,
    /// With so many pools loaded.
    pub active: u64,
}

/// Measures an instance over `pools` pools, each with two tickets sold and two held, of which `active` are sold from.
///
/// # Errors
/// The system does not start, or a call fails.
pub async fn measure(pools: u32, active: u32) -> anyhow::Result<ManyPools> {
    let database = migrated_database().await;
    fill(&database, pools).await?;
    let options = [("ONSALE_POOL_IDLE_MS", "20000")];
    let service = Service::start(Kind::Command, database.url(), &options).await;
    let resident = || resident_kib(service.pid()).unwrap_or(0);
    let admin = tokio::sync::Mutex::new(database.admin().await);
    eventually(PATIENCE, "the deadlines are as far as the log", || async {
        let is_far: bool = sqlx::query_scalar(
            "SELECT position >= $1 FROM onsale_command.checkpoints WHERE projection = 'deadlines'",
        )
        .bind(i64::from(pools) * 7)
        .fetch_one(&mut *admin.lock().await)
        .await
        .ok()?;
        is_far.then_some(())
    })
    .await;
    let idle = resident();
    let channel = service.channel().await;
    let caller = Caller::new(channel.clone(), channel);
    let mut claims = stream::iter(0..active)
        .map(|n| {
            let mut caller = caller.clone();
            async move { caller.claim(&format!("pool-{n}"), "one-more", 2).await }
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(claimed) = claims.next().await {
        claimed?;
    }
    let active = resident();
    Ok(ManyPools { idle, active })
}

async fn fill(database: &TestDatabase, pools: u32) -> anyhow::Result<()> {
    let log = database.log().await;
    for first in (0..pools).step_by(APPENDED_AT_ONCE as usize) {
        let last = pools.min(first + APPENDED_AT_ONCE);
        let groups: Result<Vec<_>, _> = (first..last)
            .map(|n| a_pool(&log.clock().now(), n))
            .collect();
        log.append(&AppendBatch::new(groups?)?).await?;
    }
    Ok(())
}

/// Seven events.
fn a_pool(now: &onsale_shared::time::Timestamp, n: u32) -> anyhow::Result<Group> {
    let id = PoolId::parse(&format!("pool-{n}"))?;
    let mut stream = Filling::new(id, *now, Duration::ZERO);
    stream.tell(create()?)?;
    stream.tell(Command::PurchaseTickets(PurchaseTickets {
        order: order("buyer")?,
        payment_reference: None,
    }))?;
    stream.tell(Command::ClaimTickets(order("holder")?))?;
    Ok(stream.take())
}
