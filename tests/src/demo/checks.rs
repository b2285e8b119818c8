//! The checks: what the log says, in SQL, compared with what customers, promoter and the live view were told.

use onsale_proto::v1::SaleStatus;

use super::{
    log::{Fold, Log},
    promoter::Pause,
    tally::Figures,
    text::{counted, grouped, money},
    watch::View,
};

/// A statement about what happened, and whether it is true.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) holds: bool,
    pub(super) text: String,
}

/// What was told.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) tickets: u32,
    pub(super) figures: &'a Figures,
    pub(super) pause: Option<Pause>,
    pub(super) view: &'a View,
}

/// All checks, in the order in which they are read.
pub(super) async fn all(log: &mut Log, told: &Told<'_>) -> anyhow::Result<Vec<Check>> {
    let mut checks = of_stock(log, told).await?;
    checks.extend(of_purchases(log, told.figures).await?);
    checks.push(of_prices(log).await?);
    checks.extend(of_requests(log, told.figures).await?);
    if let Some(pause) = told.pause {
        checks.push(of_pause(log, pause).await?);
    }
    checks.extend(of_view(log, told).await?);
    checks.push(of_answers(told.figures));
    Ok(checks)
}

async fn of_stock(log: &mut Log, told: &Told<'_>) -> anyhow::Result<Vec<Check>> {
    let proof = log.proof().await?;
    let sales = log.sales().await?;
    let stock = Check {
        holds: proof.capacity == i64::from(told.tickets) && proof.committed_max <= proof.capacity,
        text: format!(
            "Never oversold: after each of {}, at most {} of {} were sold or held.",
            counted(sales.events, "event"),
            grouped(proof.committed_max),
            counted(proof.capacity, "ticket"),
        ),
    };
    let lives = Check {
        holds: proof.illegal_lives == 0 && proof.gaps == 0,
        text: format!(
            "Each of {} was bought or given back at most once, and the log has no gap ({} lived otherwise, {} missing).",
            counted(sales.claimed, "claimed ticket"),
            grouped(proof.illegal_lives),
            counted(proof.gaps, "event"),
        ),
    };
    Ok(vec![stock, lives])
}

async fn of_purchases(log: &mut Log, figures: &Figures) -> anyhow::Result<Vec<Check>> {
    let purchases = log.purchases(&figures.bought, &figures.unanswered).await?;
    let there = Check {
        holds: purchases.missing == 0 && purchases.doubled == 0,
        text: format!(
            "Each of {} whose purchase was acknowledged is in the log, bought once, by that request ({} missing, {} doubled).",
            counted(i128::try_from(figures.bought.len())?, "ticket"),
            grouped(purchases.missing),
            grouped(purchases.doubled),
        ),
    };
    let heard = Check {
        holds: purchases.unheard == 0,
        text: format!(
            "Nothing was sold without its buyer being told ({}).",
            counted(purchases.unheard, "ticket")
        ),
    };
    Ok(vec![there, heard])
}

async fn of_prices(log: &mut Log) -> anyhow::Result<Check> {
    let prices = log.prices().await?;
    Ok(Check {
        holds: prices.wrong == 0 && prices.claims > 0,
        text: format!(
            "Each of {} has the price that the rule of its moment gives, from {} to {} EUR ({} wrong); the promoter changed the rule {}.",
            counted(prices.claims, "claim"),
            money(prices.lowest),
            money(prices.highest),
            grouped(prices.wrong),
            if prices.changes == 1 {
                "once"
            } else {
                "several times"
            },
        ),
    })
}

async fn of_requests(log: &mut Log, figures: &Figures) -> anyhow::Result<Vec<Check>> {
    let repeats = log.repeats(&figures.repeated).await?;
    let repeated = Check {
        holds: repeats.twice == 0 && repeats.missing == 0,
        text: format!(
            "Each of {} that had to be repeated and then succeeded is in the log once ({} twice, {} missing).",
            counted(i128::try_from(figures.repeated.len())?, "request"),
            grouped(repeats.twice),
            grouped(repeats.missing),
        ),
    };
    let recorded = log
        .recorded(figures.refused.keys().cloned().collect())
        .await?;
    let example = recorded.example.and_then(|request| {
        let reason = figures.refused.get(&request)?;
        Some(format!(" For example {request}, refused as {reason}."))
    });
    let refused = Check {
        holds: recorded.requests == 0,
        text: format!(
            "None of {} that were refused had an effect in the log ({} had).{}",
            counted(i128::try_from(figures.refused.len())?, "request"),
            grouped(recorded.requests),
            example.unwrap_or_default(),
        ),
    };
    Ok(vec![repeated, refused])
}

async fn of_pause(log: &mut Log, pause: Pause) -> anyhow::Result<Check> {
    let meanwhile = log.while_stopped(pause).await?;
    Ok(Check {
        holds: meanwhile.as_told && meanwhile.claimed == 0 && meanwhile.bought_of_later_claims == 0,
        text: format!(
            "From the stop (version {}) to its end (version {}) {} were claimed; {} were bought, {} of them of claims made after the stop.",
            grouped(pause.stopped),
            grouped(pause.resumed),
            counted(meanwhile.claimed, "ticket"),
            grouped(meanwhile.bought),
            grouped(meanwhile.bought_of_later_claims),
        ),
    })
}

async fn of_view(log: &mut Log, told: &Told<'_>) -> anyhow::Result<Vec<Check>> {
    let seen = &told.view.availability;
    let fold = log.fold(seen.version).await?;
    let expected = (
        fold.capacity,
        fold.sold,
        fold.held,
        fold.capacity - fold.sold - fold.held,
        status_of(fold),
    );
    let shown = (
        seen.capacity,
        seen.sold,
        seen.held,
        seen.available,
        seen.sale_status(),
    );
    let last = Check {
        holds: shown == expected
            && seen.version == fold.newest
            && seen.version >= told.figures.version,
        text: format!(
            "The live view's last frame (version {}: {} sold, {} held, {} available) is the fold of the log (version {}: {} sold, {} held, {} available).",
            grouped(seen.version),
            grouped(seen.sold),
            grouped(seen.held),
            grouped(seen.available),
            grouped(fold.newest),
            grouped(fold.sold),
            grouped(fold.held),
            grouped(expected.3),
        ),
    };
    let frames = Check {
        holds: told.view.wrong == 0,
        text: format!(
            "In each of its {} the counts add up, and none was older than one before ({} were wrong).",
            counted(told.view.frames, "frame"),
            grouped(told.view.wrong),
        ),
    };
    Ok(vec![last, frames])
}

fn status_of(fold: Fold) -> SaleStatus {
    if fold.stopped {
        SaleStatus::Stopped
    } else if fold.sold == fold.capacity {
        SaleStatus::SoldOut
    } else if fold.sold + fold.held == fold.capacity {
        SaleStatus::SoldOutForNow
    } else {
        SaleStatus::Open
    }
}

fn of_answers(figures: &Figures) -> Check {
    let example = figures
        .odd
        .first()
        .map(|text| format!(" For example: {text}."))
        .unwrap_or_default();
    Check {
        holds: figures.odd.is_empty() && figures.unanswered.is_empty(),
        text: format!(
            "Every request was answered, with what was to be expected ({} unanswered, {} odd).{example}",
            figures.unanswered.len(),
            figures.odd.len(),
        ),
    }
}
