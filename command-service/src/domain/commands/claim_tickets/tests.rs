mod limits;
mod price;
mod window;

use onsale_shared::{
    event::{ReleaseCause, StopMode, TicketReleased},
    money::Currency,
};

use super::*;
use crate::domain::{Command, commands::testing::*, partials::Counts};

fn claimed_tickets(events: Vec<PoolEvent>) -> Vec<TicketClaimed> {
    let claimed = |event| {
        if let PoolEvent::TicketClaimed(claimed) = event {
            Some(claimed)
        } else {
            None
        }
    };
    events.into_iter().filter_map(claimed).collect()
}

fn counts(sold: u32, held: u32) -> Counts {
    Counts {
        capacity: CAPACITY,
        sold,
        held,
    }
}

/// `count` tickets in one claim each, numbered from 1.
fn held(count: u128) -> Vec<PoolEvent> {
    (1..=count).map(|n| claimed(n, n)).collect()
}

fn created_then(events: impl IntoIterator<Item = PoolEvent>) -> Given {
    Given::events([created()].into_iter().chain(events))
}

#[test]
fn an_order_is_one_claim_with_an_event_for_each_ticket() {
    let tickets = claimed_tickets(created_then([]).when(claim(4)).events());
    assert_eq!(tickets.len(), 4);
    let mut ids: Vec<_> = tickets.iter().map(|ticket| ticket.ticket).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each ticket is its own");
    for ticket in &tickets {
        assert_eq!(ticket.claim, tickets[0].claim);
        assert_eq!(ticket.unit_price, euros(4_999).minor);
        assert_eq!(
            ticket.expire_time,
            minute(1 + CLAIM_MINUTES),
            "the decision's time plus the claim duration"
        );
    }
}

#[test]
fn an_order_beyond_the_limit_is_refused_whole() {
    created_then([])
        .when(claim(5))
        .refused(&Rejection::OrderLimitExceeded {
            requested: 5,
            max: 4,
        });
}

#[test]
fn the_last_tickets_can_be_claimed() {
    let tickets = claimed_tickets(created_then(sold(CAPACITY - 4)).when(claim(4)).events());
    assert_eq!(tickets.len(), 4);
}

#[test]
fn too_few_tickets_are_refused_whole_with_the_numbers() {
    created_then(sold(CAPACITY - 2))
        .when(claim(3))
        .refused(&Rejection::InsufficientAvailability {
            requested: 3,
            counts: counts(CAPACITY - 2, 0),
        });
}

#[test]
fn sold_out_is_said_only_when_all_are_sold() {
    created_then(sold(CAPACITY))
        .when(claim(1))
        .refused(&Rejection::SoldOut {
            requested: 1,
            counts: counts(CAPACITY, 0),
        });
    let one_held = sold(CAPACITY - 1).into_iter().chain(held(1));
    created_then(one_held)
        .when(claim(1))
        .refused(&Rejection::SoldOutForNow {
            requested: 1,
            counts: counts(CAPACITY - 1, 1),
        });
}

#[test]
fn a_released_place_can_be_claimed_again_under_a_new_id() {
    let events = sold(CAPACITY - 1)
        .into_iter()
        .chain(held(1))
        .chain([released(1, 1, ReleaseCause::Customer)]);
    let tickets = claimed_tickets(created_then(events).when(claim(1)).events());
    assert_ne!(tickets[0].ticket, ticket_id(1));
}

#[test]
fn places_of_dead_claims_are_taken_as_far_as_they_are_needed() {
    let facts = created_then(held(u128::from(CAPACITY)))
        .after_minutes(CLAIM_MINUTES)
        .when(claim(3))
        .facts();
    let releases: Vec<_> = facts
        .iter()
        .filter_map(|fact| {
            let PoolEvent::TicketReleased(released) = &fact.event else {
                return None;
            };
            Some((released.cause, fact.cause))
        })
        .collect();
    // The claims were made by the events 2, 3, 4.
    let expired = |version| (ReleaseCause::Expired, Some(event_id(version)));
    assert_eq!(releases, [expired(2), expired(3), expired(4)]);
    assert_eq!(facts.len(), 6, "three places back, three tickets claimed");
    let (freed, claimed) = facts.split_at(3);
    for (freed, claimed) in freed.iter().zip(claimed) {
        assert_eq!(claimed.cause, Some(freed.id), "each in a place of its own");
    }
}

#[test]
fn a_ticket_is_caused_by_the_release_of_its_place_only_if_it_took_one() {
    let events = sold(CAPACITY - 2).into_iter().chain(held(1));
    let facts = created_then(events)
        .after_minutes(CLAIM_MINUTES)
        .when(claim(2))
        .facts();
    let [freed, first, second] = facts.as_slice() else {
        panic!("{facts:?}")
    };
    assert_eq!([first.cause, second.cause], [Some(freed.id), None]);
}

#[test]
fn nobody_is_told_sold_out_because_of_dead_claims_alone() {
    let events = sold(CAPACITY - 1).into_iter().chain(held(1));
    let given = created_then(events).after_minutes(CLAIM_MINUTES);
    given
        .when(claim(2))
        .refused(&Rejection::InsufficientAvailability {
            requested: 2,
            counts: counts(CAPACITY - 1, 0),
        });
}

#[test]
fn a_stopped_pool_refuses_before_all_else() {
    for mode in [StopMode::FinishClaims, StopMode::VoidClaims] {
        let events = sold(CAPACITY).into_iter().chain([stopped(mode)]);
        created_then(events)
            .when(claim(9))
            .refused(&Rejection::SalesStopped { mode });
    }
}

#[test]
fn a_resumed_pool_sells_also_what_voided_claims_held() {
    let events = held(u128::from(CAPACITY))
        .into_iter()
        .chain([stopped(StopMode::VoidClaims), resumed()]);
    let facts = created_then(events).when(claim(1)).facts();
    let PoolEvent::TicketReleased(released) = &facts[0].event else {
        panic!("{:?}", facts[0])
    };
    assert_eq!(released.cause, ReleaseCause::Stopped);
    assert_eq!(
        facts[0].cause,
        Some(event_id(i64::from(CAPACITY) + 2)),
        "caused by the stop"
    );
}

#[test]
fn an_equal_price_limit_is_accepted_and_a_lower_one_is_not() {
    let with_limit = |cents| {
        Command::ClaimTickets(ClaimTickets {
            max_unit_price: Some(euros(cents)),
            ..order(1)
        })
    };
    assert_eq!(created_then([]).when(with_limit(4_999)).events().len(), 1);
    created_then([])
        .when(with_limit(4_998))
        .refused(&Rejection::PriceChanged {
            unit_price: euros(4_999),
            max: euros(4_998),
        });
}

#[test]
fn a_price_limit_of_another_currency_is_refused() {
    let offered = Amount {
        currency: Currency::parse("JPY").unwrap(),
        ..euros(9_999)
    };
    let command = Command::ClaimTickets(ClaimTickets {
        max_unit_price: Some(offered),
        ..order(1)
    });
    created_then([])
        .when(command)
        .refused(&Rejection::WrongCurrency {
            field: "max_unit_price.currency_code",
            given: offered.currency,
            expected: euros(0).currency,
        });
}

#[test]
fn an_unknown_pool_is_not_found() {
    Given::nothing()
        .when(claim(1))
        .refused(&Rejection::PoolNotFound);
}

/// Releases did not name him before there was a limit per customer.
#[test]
fn what_was_given_back_without_a_name_counts_for_nobody() {
    let given_back = |n| {
        let PoolEvent::TicketReleased(event) = released(n, n, ReleaseCause::Customer) else {
            panic!("released")
        };
        PoolEvent::TicketReleased(TicketReleased {
            customer: None,
            ..event
        })
    };
    let unlimited = created_with(|pool| pool.limits.max_tickets_per_customer = u32::MAX);
    let of_before = (1..=4).flat_map(|n| [claimed(n, n), given_back(n)]);
    let events = [unlimited].into_iter().chain(of_before);
    let given = Given::events(events.chain([limits_changed(limits())]));
    assert_eq!(given.pool.customers.tickets(&customer()), 0);
    assert_eq!(given.when(claim(4)).events().len(), 4);
}
