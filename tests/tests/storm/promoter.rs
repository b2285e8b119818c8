//! A promoter who changes his mind: more tickets, fewer tickets, no sale, a sale again.

use std::time::Duration;

use onsale_command_service::domain::{
    Command,
    commands::{ChangeCapacity, ResumeSales, StopSales},
    conflicts::Precondition,
};
use onsale_shared::event::StopMode;
use onsale_tests::history::Reply;
use rand::RngExt as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{client::Client, storm::CAPACITIES};

/// Between two changes of mind.
const PAUSE: Duration = Duration::from_millis(150);
/// For so long a sale is stopped.
const STOP: Duration = Duration::from_millis(30);

/// A capacity that is always too low.
const TOO_FEW: u32 = 1;

/// Changes his mind until he is stopped.
pub(crate) async fn promote(mut client: Client, stop: CancellationToken) -> Client {
    for turn in 0_u32.. {
        if stop.is_cancelled() {
            break;
        }
        sleep(PAUSE).await;
        match turn % 20 {
            1 | 11 => stop_and_resume(&mut client, StopMode::FinishClaims).await,
            5 => stop_and_resume(&mut client, StopMode::VoidClaims).await,
            7 => drop(client.call(resume()).await),
            15 => sell_out(&mut client).await,
            _ => {
                let capacity = client.random.random_range(CAPACITIES);
                change_capacity(&mut client, capacity).await;
            }
        }
    }
    client
}

async fn stop_and_resume(client: &mut Client, mode: StopMode) {
    stop_sales(client, mode).await;
    // The same again, or less.
    stop_sales(client, StopMode::FinishClaims).await;
    resume_sales(client).await;
}

/// As many tickets as are sold, and no claims: for a while there is nothing to be had.
async fn sell_out(client: &mut Client) {
    stop_sales(client, StopMode::VoidClaims).await;
    change_capacity(client, TOO_FEW).await;
    let sold = last_reply(client).and_then(|reply| match reply {
        Reply::Refused(refusal) => refusal.number("sold"),
        Reply::Granted(_) | Reply::NotRecorded(_) | Reply::Unknown => None,
    });
    if let Some(sold) = sold.filter(|sold| *sold > 0) {
        change_capacity(client, sold).await;
    }
    resume_sales(client).await;
}

async fn stop_sales(client: &mut Client, mode: StopMode) {
    let precondition = Precondition::NONE;
    let reason = None;
    let stop = StopSales {
        mode,
        reason,
        precondition,
    };
    client.call(Command::StopSales(stop)).await;
    sleep(STOP).await;
}

async fn change_capacity(client: &mut Client, capacity: u32) {
    let precondition = Precondition::NONE;
    let change = ChangeCapacity {
        capacity,
        precondition,
    };
    client.call(Command::ChangeCapacity(change)).await;
}

/// Until they are, or are said to be.
async fn resume_sales(client: &mut Client) {
    client.call(resume()).await;
    while !last_reply(client).is_some_and(Reply::is_definite) {
        client.call(resume()).await;
    }
}

fn last_reply(client: &Client) -> Option<&Reply> {
    let command = client.record.last()?;
    command.attempts.last().map(|attempt| &attempt.reply)
}

fn resume() -> Command {
    Command::ResumeSales(ResumeSales {
        reason: None,
        precondition: Precondition::NONE,
    })
}
