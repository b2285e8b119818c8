//! What one ticket costs from one event of a pool to the next: every change, and what caused it.
//!
//! A change by time alone is noted when the next event of the pool is folded, in front of that event, at its own moment;
//! so which rows there are does not depend on when anybody looked. Linear prices change all the time: theirs are noted
//! where an event finds the price changed.

use onsale_shared::{
    event::{PoolEvent, Schedule},
    id::{EventId, PoolId},
    log::{Position, RecordedEvent, Version},
    money::Minor,
    pricing::{Interpolation, Pricing},
    time::Timestamp,
};

use crate::{availability::fold::advance, pool::Pool};

/// A change of the price of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PriceChange {
    pub(crate) pool: PoolId,
    pub(crate) time: Timestamp,
    /// Of the event that changed it; of the last event before, if time did.
    pub(crate) position: Position,
    /// 0 for the event's own change; what time changed after it counts from 1.
    pub(crate) ordinal: i32,
    /// Of the pool, from the same event as the position.
    pub(crate) version: Version,
    pub(crate) cause: Cause,
    /// None when the pool came into being.
    pub(crate) old: Option<Minor>,
    pub(crate) new: Minor,
    /// None if time changed it.
    pub(crate) event: Option<EventId>,
    /// Tickets sold, after it.
    pub(crate) sold: u32,
    /// Tickets held, after it.
    pub(crate) held: u32,
}

/// Why a price is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Created,
    PricingChanged,
    Rescheduled,
    CapacityChanged,
    /// A ticket was claimed, bought, released or refunded.
    Demand,
    Time,
}

impl Cause {
    const ALL: [Self; 6] = [
        Self::Created,
        Self::PricingChanged,
        Self::Rescheduled,
        Self::CapacityChanged,
        Self::Demand,
        Self::Time,
    ];

    /// As the table has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::PricingChanged => "PRICING_CHANGED",
            Self::Rescheduled => "RESCHEDULED",
            Self::CapacityChanged => "CAPACITY_CHANGED",
            Self::Demand => "DEMAND",
            Self::Time => "TIME",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }

    const fn of(fact: &PoolEvent) -> Self {
        match fact {
            PoolEvent::PoolCreated(_) => Self::Created,
            PoolEvent::PricingChanged(_) => Self::PricingChanged,
            PoolEvent::PoolRescheduled(_) => Self::Rescheduled,
            PoolEvent::CapacityChanged(_) => Self::CapacityChanged,
            PoolEvent::TicketClaimed(_)
            | PoolEvent::TicketBought(_)
            | PoolEvent::TicketReleased(_)
            | PoolEvent::TicketRefunded(_)
            // These change no price.
            | PoolEvent::ClaimExtended(_)
            | PoolEvent::SalesStopped(_)
            | PoolEvent::SalesResumed(_)
            | PoolEvent::PoolCancelled(_)
            | PoolEvent::LimitsChanged(_)
            | PoolEvent::CommandRefused(_) => Self::Demand,
        }
    }
}

/// Folds the next event of a pool; what the price did since the last one, and does with this one, is added to `changes`.
pub(super) fn follow(
    pool: &mut Pool,
    event: &RecordedEvent,
    fact: &PoolEvent,
    changes: &mut Vec<PriceChange>,
) {
    let known = changes.len();
    by_time(pool, event.time, Found::ByEvent, changes);
    let old = match changes.get(known..).and_then(<[_]>::last) {
        Some(change) => Some(change.new),
        None => price(pool, pool.update_time),
    };
    // Whether tickets contradict the pool is not known here; counts say enough.
    advance(pool, event, fact, Ok(()));
    let Some(new) = price(pool, event.time).filter(|new| Some(*new) != old) else {
        return;
    };
    changes.push(PriceChange {
        cause: Cause::of(fact),
        event: Some(event.id),
        ordinal: 0,
        ..change_at(pool, event.time, old, new)
    });
}

/// What time has changed by itself since the last event of the pool, up to and including `until`. Nothing of linear
/// prices.
pub(crate) fn changes_by_time(pool: &Pool, until: Timestamp) -> Vec<PriceChange> {
    let mut changes = Vec::new();
    by_time(pool, until, Found::ByReader, &mut changes);
    changes
}

/// Who looks at the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    ByEvent,
    ByReader,
}

fn by_time(pool: &Pool, until: Timestamp, found: Found, changes: &mut Vec<PriceChange>) {
    let Some(details) = pool.details.as_deref() else {
        return;
    };
    let since = pool.update_time;
    if until <= since || details.pricing.time_steps.is_empty() {
        return;
    }
    let Some(mut old) = price(pool, since) else {
        return;
    };
    let mut ordinal = 0;
    let mut look = |at: Timestamp| {
        let Some(new) = price(pool, at).filter(|new| *new != old) else {
            return;
        };
        ordinal += 1;
        changes.push(PriceChange {
            cause: Cause::Time,
            event: None,
            ordinal,
            ..change_at(pool, at, Some(old), new)
        });
        old = new;
    };
    match (details.pricing.interpolation, found) {
        (Interpolation::Step, _) => moments(&details.pricing, details.schedule)
            .filter(|at| since < *at && *at <= until)
            .for_each(look),
        (Interpolation::Linear, Found::ByEvent) => look(until),
        (Interpolation::Linear, Found::ByReader) => {}
    }
}

/// When the time steps of a rule begin to count, the first one first.
fn moments(pricing: &Pricing, schedule: Schedule) -> impl Iterator<Item = Timestamp> {
    let show = schedule.show_time.into_iter();
    show.flat_map(|show| {
        let steps = pricing.time_steps.iter();
        steps.map(move |step| show.minus(step.before_show))
    })
}

/// A change without its cause.
fn change_at(pool: &Pool, time: Timestamp, old: Option<Minor>, new: Minor) -> PriceChange {
    PriceChange {
        pool: pool.id.clone(),
        time,
        position: pool.position,
        ordinal: 0,
        version: pool.version,
        cause: Cause::Time,
        old,
        new,
        event: None,
        sold: pool.counts.sold(),
        held: pool.counts.held(),
    }
}

fn price(pool: &Pool, at: Timestamp) -> Option<Minor> {
    pool.unit_price(at).map(|price| price.minor)
}
