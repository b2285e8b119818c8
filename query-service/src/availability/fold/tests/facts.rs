//! Facts to fold. Whose tickets they are does not matter here.

use std::{collections::BTreeMap, time::Duration};

use onsale_shared::{
    event::{
        CapacityChanged, ClaimExtended, CommandRefused, Limits, LimitsChanged, PoolCancelled,
        PoolCreated, PoolEvent, PoolRescheduled, PricingChanged, ReleaseCause, SalesResumed,
        SalesStopped, Schedule, StopMode, TicketBought, TicketClaimed, TicketRefunded,
        TicketReleased,
    },
    id::{ClaimId, EventId, TicketId},
    money::{Amount, Minor},
    pricing::Pricing,
    text::Reference,
    time::Timestamp,
};

use crate::pool::tests::cents;

fn claim() -> ClaimId {
    ClaimId(EventId(Default::default()).0)
}

fn ticket() -> TicketId {
    TicketId(claim().0)
}

/// A ticket of this id.
pub(super) fn of_bytes(bytes: [u8; 16]) -> TicketId {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.parse().unwrap()
}

/// The same fact, of this ticket.
pub(super) fn of_ticket(fact: PoolEvent, ticket: TicketId) -> PoolEvent {
    match fact {
        PoolEvent::TicketClaimed(data) => {
            PoolEvent::TicketClaimed(TicketClaimed { ticket, ..data })
        }
        PoolEvent::TicketBought(data) => PoolEvent::TicketBought(TicketBought { ticket, ..data }),
        PoolEvent::TicketReleased(data) => {
            PoolEvent::TicketReleased(TicketReleased { ticket, ..data })
        }
        PoolEvent::TicketRefunded(data) => {
            PoolEvent::TicketRefunded(TicketRefunded { ticket, ..data })
        }
        PoolEvent::PoolCreated(_)
        | PoolEvent::ClaimExtended(_)
        | PoolEvent::SalesStopped(_)
        | PoolEvent::SalesResumed(_)
        | PoolEvent::PoolCancelled(_)
        | PoolEvent::CapacityChanged(_)
        | PoolEvent::PricingChanged(_)
        | PoolEvent::PoolRescheduled(_)
        | PoolEvent::LimitsChanged(_)
        | PoolEvent::CommandRefused(_) => fact,
    }
}

fn customer() -> Reference {
    Reference::parse("c").unwrap()
}

pub(super) fn schedule() -> Schedule {
    Schedule {
        show_time: Some(Timestamp::from_micros(3)),
        sales_start_time: Some(Timestamp::from_micros(1)),
        sales_end_time: Some(Timestamp::from_micros(2)),
    }
}

pub(super) fn limits(max_tickets_per_order: u32) -> Limits {
    Limits {
        max_tickets_per_order,
        max_tickets_per_customer: 8,
        claim_duration: Duration::from_secs(600),
        late_purchase_window: Duration::ZERO,
    }
}

pub(super) fn created(capacity: u32) -> PoolEvent {
    PoolEvent::PoolCreated(PoolCreated {
        display_name: None,
        promoter: None,
        show: None,
        labels: BTreeMap::new(),
        schedule: Schedule::default(),
        capacity,
        pricing: Pricing::fixed(cents(4_900)),
        limits: limits(4),
    })
}

pub(super) fn claimed() -> PoolEvent {
    PoolEvent::TicketClaimed(TicketClaimed {
        claim: claim(),
        ticket: ticket(),
        customer: customer(),
        unit_price: Minor::default(),
        pricing_version: 1,
        expire_time: Timestamp::MAX,
        reference: None,
        labels: BTreeMap::new(),
        replaces: None,
        granted: false,
    })
}

pub(super) fn extended() -> PoolEvent {
    PoolEvent::ClaimExtended(ClaimExtended {
        claim: claim(),
        customer: customer(),
        old_expire_time: Timestamp::default(),
        expire_time: Timestamp::MAX,
        held: 1,
    })
}

pub(super) fn bought() -> PoolEvent {
    PoolEvent::TicketBought(TicketBought {
        claim: claim(),
        ticket: ticket(),
        customer: customer(),
        unit_price: Minor::default(),
        expire_time: Timestamp::MAX,
        payment_reference: None,
        granted: false,
        reason: None,
    })
}

pub(super) fn released() -> PoolEvent {
    PoolEvent::TicketReleased(TicketReleased {
        claim: claim(),
        ticket: ticket(),
        customer: None,
        cause: ReleaseCause::Customer,
        expire_time: Timestamp::MAX,
    })
}

pub(super) fn refunded() -> PoolEvent {
    PoolEvent::TicketRefunded(TicketRefunded {
        claim: claim(),
        ticket: ticket(),
        customer: customer(),
        unit_price: Minor::default(),
        granted: false,
        reason: None,
    })
}

pub(super) fn stopped(mode: StopMode) -> PoolEvent {
    PoolEvent::SalesStopped(SalesStopped { mode, reason: None })
}

pub(super) fn refused() -> PoolEvent {
    PoolEvent::CommandRefused(CommandRefused {
        command: "ClaimTickets".to_owned(),
        reason: "SOLD_OUT".to_owned(),
        customer: Some(customer()),
    })
}

pub(super) fn resumed() -> PoolEvent {
    PoolEvent::SalesResumed(SalesResumed { reason: None })
}

pub(super) fn cancelled() -> PoolEvent {
    PoolEvent::PoolCancelled(PoolCancelled { reason: None })
}

pub(super) fn capacity(capacity: u32) -> PoolEvent {
    PoolEvent::CapacityChanged(CapacityChanged { capacity })
}

pub(super) fn priced(price: Amount) -> PoolEvent {
    let pricing = Pricing::fixed(price);
    PoolEvent::PricingChanged(PricingChanged { pricing })
}

pub(super) fn rescheduled(schedule: Schedule) -> PoolEvent {
    PoolEvent::PoolRescheduled(PoolRescheduled { schedule })
}

/// To [`limits`] of 7 tickets.
pub(super) fn limits_changed() -> PoolEvent {
    PoolEvent::LimitsChanged(LimitsChanged { limits: limits(7) })
}
