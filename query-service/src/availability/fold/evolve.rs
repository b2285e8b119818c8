//! One fact on one pool. The facts that contradict a pool are those that contradict it on the command side.

use std::sync::Arc;

use onsale_shared::{
    event::{PoolCreated, PoolEvent, PricingChanged, StopMode},
    log::RecordedEvent,
};

use crate::pool::{Counts, Details, Pool, Sale};

/// How an event can contradict its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Contradiction {
    #[error("the pool was created already")]
    AlreadyCreated,
    #[error("the pool was not created before")]
    NotCreated,
    #[error("the pool was cancelled for good")]
    Cancelled,
    #[error("no ticket was available")]
    NoneAvailable,
    #[error("no ticket was held")]
    NoneHeld,
    #[error("the ticket was not held")]
    NotHeld,
    #[error("the ticket was claimed already")]
    ClaimedAlready,
    #[error("the ticket was not sold")]
    NotSold,
    #[error("no ticket was sold")]
    NoneSold,
    #[error("more tickets are sold and held than there would be")]
    CapacityBelowCommitted,
    #[error("sales were stopped already, in the same or a stronger mode")]
    AlreadyStopped,
    #[error("sales were not stopped")]
    NotStopped,
    #[error("the price would be in another currency")]
    OtherCurrency,
}

/// The pool after its next event. What contradicts it marks it, and leaves its counts and settings as they were; so does
/// a fact that is not `possible` for who knows more than counts. Returns the contradiction.
pub(crate) fn advance(
    pool: &mut Pool,
    event: &RecordedEvent,
    fact: &PoolEvent,
    possible: Result<(), Contradiction>,
) -> Option<Contradiction> {
    let contradiction = possible.and_then(|()| evolve(pool, fact)).err();
    pool.corrupted |= contradiction.is_some();
    pool.version = event.version;
    pool.position = event.position;
    pool.update_time = event.time;
    contradiction
}

/// The pool after a fact; unchanged where the fact contradicts it.
fn evolve(pool: &mut Pool, fact: &PoolEvent) -> Result<(), Contradiction> {
    if let PoolEvent::PoolCreated(created) = fact {
        return create(pool, created);
    }
    let details = pool.details.as_mut().ok_or(Contradiction::NotCreated)?;
    if pool.sale == Sale::Cancelled && !outlives_the_pool(fact) {
        return Err(Contradiction::Cancelled);
    }
    match fact {
        PoolEvent::PoolCreated(_) => return Err(Contradiction::AlreadyCreated),
        PoolEvent::TicketClaimed(_) => {
            pool.counts = pool.counts.claim().ok_or(Contradiction::NoneAvailable)?;
        }
        // The tickets are as before.
        PoolEvent::ClaimExtended(_) | PoolEvent::CommandRefused(_) => {}
        PoolEvent::TicketBought(_) => {
            pool.counts = pool.counts.buy().ok_or(Contradiction::NoneHeld)?;
        }
        PoolEvent::TicketReleased(_) => {
            pool.counts = pool.counts.release().ok_or(Contradiction::NoneHeld)?;
        }
        PoolEvent::TicketRefunded(_) => {
            pool.counts = pool.counts.refund().ok_or(Contradiction::NoneSold)?;
        }
        PoolEvent::SalesStopped(stopped) => pool.sale = stop(pool.sale, stopped.mode)?,
        PoolEvent::SalesResumed(_) => pool.sale = resume(pool.sale)?,
        PoolEvent::PoolCancelled(_) => pool.sale = Sale::Cancelled,
        PoolEvent::CapacityChanged(changed) => {
            let counts = pool.counts.resize(changed.capacity);
            pool.counts = counts.ok_or(Contradiction::CapacityBelowCommitted)?;
        }
        PoolEvent::PricingChanged(changed) => reprice(details, changed)?,
        PoolEvent::PoolRescheduled(changed) => Arc::make_mut(details).schedule = changed.schedule,
        PoolEvent::LimitsChanged(changed) => Arc::make_mut(details).limits = changed.limits,
    }
    Ok(())
}

/// Whether a fact only gives a place back, or says no: that happens whatever the promoter wants.
const fn outlives_the_pool(fact: &PoolEvent) -> bool {
    match fact {
        PoolEvent::TicketReleased(_)
        | PoolEvent::TicketRefunded(_)
        | PoolEvent::CommandRefused(_) => true,
        PoolEvent::PoolCreated(_)
        | PoolEvent::TicketClaimed(_)
        | PoolEvent::ClaimExtended(_)
        | PoolEvent::TicketBought(_)
        | PoolEvent::SalesStopped(_)
        | PoolEvent::SalesResumed(_)
        | PoolEvent::PoolCancelled(_)
        | PoolEvent::CapacityChanged(_)
        | PoolEvent::PricingChanged(_)
        | PoolEvent::PoolRescheduled(_)
        | PoolEvent::LimitsChanged(_) => false,
    }
}

fn create(pool: &mut Pool, created: &PoolCreated) -> Result<(), Contradiction> {
    if pool.details.is_some() {
        return Err(Contradiction::AlreadyCreated);
    }
    pool.counts = Counts::of_new_pool(created.capacity);
    pool.details = Some(Arc::new(Details {
        display_name: created.display_name.clone(),
        promoter: created.promoter.clone(),
        show: created.show.clone(),
        labels: created.labels.clone(),
        schedule: created.schedule,
        pricing: created.pricing.clone(),
        pricing_version: 1,
        limits: created.limits,
    }));
    Ok(())
}

/// A stop may become a stronger one.
fn stop(sale: Sale, mode: StopMode) -> Result<Sale, Contradiction> {
    match sale {
        Sale::Selling => Ok(Sale::Stopped(mode)),
        Sale::Stopped(known) if known < mode => Ok(Sale::Stopped(mode)),
        Sale::Stopped(_) => Err(Contradiction::AlreadyStopped),
        Sale::Cancelled => Err(Contradiction::Cancelled),
    }
}

fn resume(sale: Sale) -> Result<Sale, Contradiction> {
    match sale {
        Sale::Selling => Err(Contradiction::NotStopped),
        Sale::Stopped(_) => Ok(Sale::Selling),
        Sale::Cancelled => Err(Contradiction::Cancelled),
    }
}

fn reprice(details: &mut Arc<Details>, changed: &PricingChanged) -> Result<(), Contradiction> {
    if details.pricing.currency != changed.pricing.currency {
        return Err(Contradiction::OtherCurrency);
    }
    let details = Arc::make_mut(details);
    details.pricing = changed.pricing.clone();
    details.pricing_version = details.pricing_version.saturating_add(1);
    Ok(())
}
