//! What is wanted.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test asks for the few kinds that it is about"
)]

use super::*;

pub(crate) fn a_pool() -> Command {
    let PoolEvent::PoolCreated(created) = created() else {
        unreachable!("created() creates")
    };
    Command::CreatePool(CreatePool {
        display_name: created.display_name,
        promoter: created.promoter,
        show: created.show,
        labels: created.labels,
        schedule: created.schedule,
        capacity: created.capacity,
        pricing: created.pricing,
        limits: created.limits,
    })
}

pub(crate) fn order(quantity: u32) -> ClaimTickets {
    ClaimTickets {
        customer: customer(),
        quantity,
        max_unit_price: None,
        reference: None,
        labels: Labels::new(),
    }
}

pub(crate) fn claim(quantity: u32) -> Command {
    Command::ClaimTickets(order(quantity))
}

pub(crate) fn purchase(quantity: u32) -> Command {
    Command::PurchaseTickets(PurchaseTickets {
        order: order(quantity),
        payment_reference: None,
    })
}

/// Buy these tickets of a claim; none means all.
pub(crate) fn buy(claim: u128, tickets: &[u128]) -> Command {
    Command::BuyTickets(buying(claim, tickets))
}

fn buying(claim: u128, tickets: &[u128]) -> BuyTickets {
    BuyTickets {
        claim: claim_id(claim),
        tickets: tickets.iter().map(|n| ticket_id(*n)).collect(),
        payment_reference: None,
        reclaim: false,
    }
}

/// Buy these tickets of a claim, late if need be; none means all.
pub(crate) fn buy_late(claim: u128, tickets: &[u128]) -> Command {
    Command::BuyTickets(BuyTickets {
        reclaim: true,
        ..buying(claim, tickets)
    })
}

pub(crate) fn extend(claim: u128) -> Command {
    Command::ExtendClaim(ExtendClaim {
        claim: claim_id(claim),
    })
}

pub(crate) fn refund(tickets: &[u128]) -> Command {
    Command::RefundTickets(RefundTickets {
        tickets: tickets.iter().map(|n| ticket_id(*n)).collect(),
        reason: None,
    })
}

pub(crate) fn grant(quantity: u32) -> Command {
    Command::GrantTickets(GrantTickets {
        customer: customer(),
        quantity,
        reason: None,
    })
}

pub(crate) fn cancel() -> Command {
    Command::CancelPool(CancelPool {
        reason: None,
        precondition: Precondition::NONE,
    })
}

pub(crate) fn change_capacity(capacity: u32) -> Command {
    Command::ChangeCapacity(ChangeCapacity {
        capacity,
        precondition: Precondition::NONE,
    })
}

pub(crate) fn change_pricing(cents: i64) -> Command {
    change_rule(Pricing::fixed(euros(cents)))
}

pub(crate) fn change_rule(pricing: Pricing) -> Command {
    Command::ChangePricing(ChangePricing {
        pricing,
        precondition: Precondition::NONE,
    })
}

pub(crate) fn reschedule(schedule: Schedule) -> Command {
    Command::ReschedulePool(ReschedulePool {
        schedule,
        precondition: Precondition::NONE,
    })
}

pub(crate) fn change_limits(limits: Limits) -> Command {
    Command::ChangeLimits(ChangeLimits {
        limits,
        precondition: Precondition::NONE,
    })
}

/// The same promoter's command, made on the state of version `etag`.
pub(crate) fn on_version(etag: i64, merge: bool, mut command: Command) -> Command {
    let precondition = Precondition {
        etag: Version::new(etag),
        merge,
    };
    match &mut command {
        Command::StopSales(edit) => edit.precondition = precondition,
        Command::ResumeSales(edit) => edit.precondition = precondition,
        Command::CancelPool(edit) => edit.precondition = precondition,
        Command::ChangeCapacity(edit) => edit.precondition = precondition,
        Command::ChangePricing(edit) => edit.precondition = precondition,
        Command::ReschedulePool(edit) => edit.precondition = precondition,
        Command::ChangeLimits(edit) => edit.precondition = precondition,
        other => unreachable!("{} is no edit", other.name()),
    }
    command
}

/// Release these tickets of a claim; none means all.
pub(crate) fn release(claim: u128, tickets: &[u128]) -> Command {
    Command::ReleaseTickets(ReleaseTickets {
        claim: claim_id(claim),
        tickets: tickets.iter().map(|n| ticket_id(*n)).collect(),
        by_operator: false,
    })
}

pub(crate) fn stop(mode: StopMode) -> Command {
    Command::StopSales(StopSales {
        mode,
        reason: None,
        precondition: Precondition::NONE,
    })
}

pub(crate) fn resume() -> Command {
    Command::ResumeSales(ResumeSales {
        reason: None,
        precondition: Precondition::NONE,
    })
}
