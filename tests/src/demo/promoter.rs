//! The promoter: opens the pool, stops the sale in the middle, and resumes it.

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
use crate::caller::{a_pool, create_request, request_id};

/// How long a claim holds its tickets in the demo: short, so that one sees claims expire.
pub(super) const CLAIM_DURATION: Duration = Duration::from_secs(5);
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
        ..a_pool(tickets.into())
    };
    let created = line.send(create_request(pool_id, pool), None).await;
    done(created, "create the pool")?
        .receipt
        .context("command-service created the pool without a receipt")
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
