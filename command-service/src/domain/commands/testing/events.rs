//! What happened before.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test asks for the few kinds that it is about"
)]

use super::*;

pub(crate) fn created() -> PoolEvent {
    PoolEvent::PoolCreated(PoolCreated {
        display_name: None,
        promoter: None,
        show: None,
        labels: Labels::new(),
        schedule: Schedule::default(),
        capacity: CAPACITY,
        pricing: Pricing::fixed(euros(4_999)),
        limits: limits(),
    })
}

/// A pool that differs from [`created`] in what `change` says.
pub(crate) fn created_with(change: impl FnOnce(&mut PoolCreated)) -> PoolEvent {
    let PoolEvent::PoolCreated(mut created) = created() else {
        unreachable!("created() creates")
    };
    change(&mut created);
    PoolEvent::PoolCreated(created)
}

/// 4 tickets an order, no limit per customer that matters, and late payment for [`LATE_MINUTES`].
pub(crate) fn limits() -> Limits {
    Limits {
        max_tickets_per_order: 4,
        max_tickets_per_customer: 100_000,
        claim_duration: Duration::from_mins(CLAIM_MINUTES.unsigned_abs()),
        late_purchase_window: Duration::from_mins(LATE_MINUTES.unsigned_abs()),
    }
}

/// Ticket `n` in claim `claim`, made at minute 0.
pub(crate) fn claimed(claim: u128, n: u128) -> PoolEvent {
    claimed_until(claim, n, minute(CLAIM_MINUTES))
}

pub(crate) fn claimed_until(claim: u128, n: u128, expire_time: Timestamp) -> PoolEvent {
    PoolEvent::TicketClaimed(TicketClaimed {
        claim: claim_id(claim),
        ticket: ticket_id(n),
        customer: customer(),
        unit_price: euros(4_999).minor,
        pricing_version: 1,
        expire_time,
        reference: None,
        labels: Labels::new(),
        replaces: None,
        granted: false,
    })
}

/// Ticket `n` in claim `claim`, in the place of ticket `replaced`, paid at `minutes`.
pub(crate) fn reclaimed(claim: u128, n: u128, replaced: u128, minutes: i64) -> [PoolEvent; 2] {
    let expire_time = minute(minutes + CLAIM_MINUTES);
    let PoolEvent::TicketClaimed(mut claimed) = claimed_until(claim, n, expire_time) else {
        unreachable!("claimed_until() claims")
    };
    let PoolEvent::TicketBought(mut bought) = bought(claim, n) else {
        unreachable!("bought() buys")
    };
    claimed.replaces = Some(ticket_id(replaced));
    bought.expire_time = expire_time;
    [
        PoolEvent::TicketClaimed(claimed),
        PoolEvent::TicketBought(bought),
    ]
}

/// The same event, of another customer.
pub(crate) fn of_customer(name: &str, event: PoolEvent) -> PoolEvent {
    let customer = Reference::parse(name).unwrap();
    match event {
        PoolEvent::TicketClaimed(data) => {
            PoolEvent::TicketClaimed(TicketClaimed { customer, ..data })
        }
        PoolEvent::TicketBought(data) => PoolEvent::TicketBought(TicketBought { customer, ..data }),
        PoolEvent::TicketReleased(data) => PoolEvent::TicketReleased(TicketReleased {
            customer: Some(customer),
            ..data
        }),
        PoolEvent::TicketRefunded(data) => {
            PoolEvent::TicketRefunded(TicketRefunded { customer, ..data })
        }
        other => unreachable!("{other:?} has no customer"),
    }
}

pub(crate) fn extended(claim: u128, held: u32, until: i64) -> PoolEvent {
    PoolEvent::ClaimExtended(ClaimExtended {
        claim: claim_id(claim),
        customer: customer(),
        old_expire_time: minute(CLAIM_MINUTES),
        expire_time: minute(until),
        held,
    })
}

pub(crate) fn bought(claim: u128, n: u128) -> PoolEvent {
    PoolEvent::TicketBought(TicketBought {
        claim: claim_id(claim),
        ticket: ticket_id(n),
        customer: customer(),
        unit_price: euros(4_999).minor,
        expire_time: minute(CLAIM_MINUTES),
        payment_reference: None,
        granted: false,
        reason: None,
    })
}

pub(crate) fn released(claim: u128, n: u128, cause: ReleaseCause) -> PoolEvent {
    PoolEvent::TicketReleased(TicketReleased {
        claim: claim_id(claim),
        ticket: ticket_id(n),
        customer: Some(customer()),
        cause,
        expire_time: minute(CLAIM_MINUTES),
    })
}

pub(crate) fn refunded(claim: u128, n: u128) -> PoolEvent {
    PoolEvent::TicketRefunded(TicketRefunded {
        claim: claim_id(claim),
        ticket: ticket_id(n),
        customer: customer(),
        unit_price: euros(4_999).minor,
        granted: false,
        reason: None,
    })
}

pub(crate) fn cancelled() -> PoolEvent {
    PoolEvent::PoolCancelled(PoolCancelled { reason: None })
}

pub(crate) fn capacity_changed(capacity: u32) -> PoolEvent {
    PoolEvent::CapacityChanged(CapacityChanged { capacity })
}

pub(crate) fn price_changed(cents: i64) -> PoolEvent {
    PoolEvent::PricingChanged(PricingChanged {
        pricing: Pricing::fixed(euros(cents)),
    })
}

pub(crate) fn rescheduled(schedule: Schedule) -> PoolEvent {
    PoolEvent::PoolRescheduled(PoolRescheduled { schedule })
}

pub(crate) fn limits_changed(limits: Limits) -> PoolEvent {
    PoolEvent::LimitsChanged(LimitsChanged { limits })
}

pub(crate) fn stopped(mode: StopMode) -> PoolEvent {
    PoolEvent::SalesStopped(SalesStopped { mode, reason: None })
}

pub(crate) fn resumed() -> PoolEvent {
    PoolEvent::SalesResumed(SalesResumed { reason: None })
}

pub(crate) fn command_refused(reason: &str) -> PoolEvent {
    PoolEvent::CommandRefused(CommandRefused {
        command: "ClaimTickets".to_owned(),
        reason: reason.to_owned(),
        customer: Some(customer()),
    })
}

/// `count` tickets sold in claims of their own, numbered from 1,000.
pub(crate) fn sold(count: u32) -> Vec<PoolEvent> {
    let pair = |n| [claimed(1_000 + n, 1_000 + n), bought(1_000 + n, 1_000 + n)];
    (0..u128::from(count)).flat_map(pair).collect()
}
