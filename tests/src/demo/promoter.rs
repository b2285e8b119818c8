//! The promoter: opens the pool, raises its price during the sale, stops the sale in the middle, and resumes it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use onsale_proto::{
    name,
    v1::{self, SaleStatus, StopMode},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    line::{Line, Outcome},
    watch::View,
};
use crate::caller::{a_pool, create_request, euros, fixed_price, pricing_request, request_id};

/// How long a claim holds its tickets in the demo: short, so that one sees claims expire.
pub(super) const CLAIM_DURATION: Duration = Duration::from_secs(5);
/// The price at the beginning, in euros.
const FIRST_PRICE: i64 = 40;
/// The price after the promoter's change.
const SECOND_PRICE: i64 = 45;
/// By how much the price rises until all is sold, in hundredths of a percent.
const RISE: i32 = 2_500;
/// When the price is changed at the latest.
const REPRICE_AFTER: Duration = Duration::from_secs(4);
/// When sales are stopped at the latest.
const STOP_AFTER: Duration = Duration::from_secs(7);
/// How long they stay stopped.
const STOPPED_FOR: Duration = Duration::from_secs(2);

/// The versions of the pool between which nobody could claim.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// Of the stop.
    pub(super) stopped: i64,
    /// Of the end of the stop.
    pub(super) resumed: i64,
}

/// Creates the pool.
pub(super) async fn open(
    line: &mut Line,
    pool_id: &str,
    tickets: u32,
) -> anyhow::Result<v1::Receipt> {
    let pool = v1::Pool {
        display_name: "The demo's opening night".to_owned(),
        promoter: "demo".to_owned(),
        claim_duration: Some(CLAIM_DURATION.try_into().context("the length of a claim")?),
        pricing: Some(rising_from(FIRST_PRICE)),
        ..a_pool(tickets.into())
    };
    let created = line.send(create_request(pool_id, pool), None).await;
    done(created, "create the pool")?
        .receipt
        .context("command-service created the pool without a receipt")
}

/// A price that rises a little with every ticket.
fn rising_from(euros_at_first: i64) -> v1::Pricing {
    let step = |sold_percent, change_basis_points| v1::DemandStep {
        sold_percent,
        change_basis_points,
    };
    v1::Pricing {
        demand_steps: vec![step(0, 0), step(100, RISE)],
        interpolation: v1::Interpolation::Linear.into(),
        ..fixed_price(euros(euros_at_first, 0))
    }
}

/// Raises the price when a quarter of the tickets is sold, or it lasts too long.
pub(super) async fn reprice(
    line: &mut Line,
    pool_id: &str,
    mut view: watch::Receiver<View>,
) -> anyhow::Result<()> {
    let quarter = view.wait_for(|view| view.availability.sold * 4 >= view.availability.capacity);
    timeout(REPRICE_AFTER, quarter).await.ok();
    let changed = line
        .send(pricing_request(pool_id, rising_from(SECOND_PRICE)), None)
        .await;
    done(changed, "change the price").map(drop)
}

/// Stops sales when half of the tickets are sold (or it lasts too long), and resumes them. None if all were sold before.
pub(super) async fn pause(
    line: &mut Line,
    pool_id: &str,
    mut view: watch::Receiver<View>,
) -> anyhow::Result<Option<Pause>> {
    let half = view.wait_for(|view| view.availability.sold * 2 >= view.availability.capacity);
    timeout(STOP_AFTER, half).await.ok();
    if view.borrow().availability.sale_status() == SaleStatus::SoldOut {
        return Ok(None);
    }
    let stop = v1::StopSalesRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        mode: StopMode::FinishClaims.into(),
        reason: "the demo shows a stop".to_owned(),
        ..v1::StopSalesRequest::default()
    };
    let stopped = done(line.send(stop, None).await, "stop sales")?;
    sleep(STOPPED_FOR).await;
    let resume = v1::ResumeSalesRequest {
        request_id: request_id(),
        pool: name::pool(pool_id),
        ..v1::ResumeSalesRequest::default()
    };
    let resumed = done(line.send(resume, None).await, "resume sales")?;
    Ok(Some(Pause {
        stopped: stopped.receipt.context("a stop without a receipt")?.version,
        resumed: resumed
            .receipt
            .context("a resumption without a receipt")?
            .version,
    }))
}

fn done<T>(outcome: Outcome<T>, what: &str) -> anyhow::Result<T> {
    match outcome {
        Outcome::Done(answer) => Ok(answer),
        Outcome::Refused(refusal) => bail!("The promoter could not {what}: {}.", refusal.text),
        Outcome::NoAnswer => bail!(
            "The promoter could not {what}: command-service does not answer; start it again with `make up`."
        ),
    }
}
