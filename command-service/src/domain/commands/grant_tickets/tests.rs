#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test asks for the few kinds that it is about"
)]

use onsale_shared::event::{ReleaseCause, StopMode};

use super::*;
use crate::domain::{Decision, commands::testing::*, partials::Counts};

fn is_free(event: &PoolEvent) -> bool {
    match event {
        PoolEvent::TicketClaimed(data) => data.granted && data.unit_price == Minor::default(),
        PoolEvent::TicketBought(data) => data.granted && data.unit_price == Minor::default(),
        _other => false,
    }
}

#[test]
fn granted_tickets_are_claimed_and_bought_at_nothing_and_marked() {
    let events = Given::events([created()]).when(grant(2)).events();
    let kinds: Vec<_> = events.iter().map(|event| event.kind().as_str()).collect();
    assert_eq!(
        kinds,
        [
            "TicketClaimed",
            "TicketClaimed",
            "TicketBought",
            "TicketBought"
        ]
    );
    assert!(events.iter().all(is_free));
}

#[test]
fn no_order_limit_customer_limit_window_or_stop_is_in_the_way() {
    let closed = created_with(|pool| {
        pool.limits.max_tickets_per_order = 1;
        pool.limits.max_tickets_per_customer = 1;
        pool.schedule.sales_start_time = Some(minute(1_000));
    });
    let events = [closed, claimed(1, 1), stopped(StopMode::FinishClaims)];
    assert_eq!(Given::events(events).when(grant(5)).events().len(), 10);
}

#[test]
fn granted_tickets_do_not_count_to_the_customers_limit() {
    let pool = created_with(|pool| pool.limits.max_tickets_per_customer = 2);
    let granted = Given::events([pool.clone()]).when(grant(4)).events();
    let events: Vec<_> = [pool].into_iter().chain(granted).collect();
    assert_eq!(Given::events(events).when(claim(2)).events().len(), 2);
}

#[test]
fn a_grant_never_bypasses_the_capacity() {
    let events = [created()].into_iter().chain(sold(CAPACITY - 1));
    Given::events(events)
        .when(grant(2))
        .refused(&Rejection::InsufficientAvailability {
            requested: 2,
            counts: Counts {
                capacity: CAPACITY,
                sold: CAPACITY - 1,
                held: 0,
            },
        });
    let events = [created()].into_iter().chain(sold(CAPACITY));
    Given::events(events)
        .when(grant(1))
        .refused(&Rejection::SoldOut {
            requested: 1,
            counts: Counts {
                capacity: CAPACITY,
                sold: CAPACITY,
                held: 0,
            },
        });
}

#[test]
fn places_of_dead_claims_are_taken_for_a_grant_too() {
    let held = (1..=u128::from(CAPACITY)).map(|n| claimed(n, n));
    let events = [created()].into_iter().chain(held);
    let events = Given::events(events)
        .after_minutes(CLAIM_MINUTES)
        .when(grant(1))
        .events();
    assert_eq!(events[0], released(1, 1, ReleaseCause::Expired));
    assert_eq!(events.len(), 3);
}

#[test]
fn a_large_grant_waits_for_the_sweep_rather_than_outgrow_a_group() {
    // All places are held by dead claims, so that each granted ticket needs one released.
    let granted_of_dead = |quantity, dead: u128| {
        let pool = created_with(|pool| pool.capacity = quantity);
        let held = (1..=dead).map(|n| claimed(n, n));
        let given = Given::events([pool].into_iter().chain(held));
        given.after_minutes(CLAIM_MINUTES).decide(grant(quantity))
    };
    let events = |decision| match decision {
        Ok(Decision::Record(facts)) => facts.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(events(granted_of_dead(400, 200)), 1_000, "a whole group");
    assert_eq!(granted_of_dead(400, 201), Ok(Decision::SweepFirst));
}

#[test]
fn a_grant_asks_for_room_for_all_its_events() {
    let room = |quantity| grant(quantity).events_max();
    assert_eq!(room(1), 3, "a release, a claim and a purchase");
    assert_eq!(room(500), 1_000, "a whole group");
    assert_eq!(
        claim(4).events_max(),
        500,
        "beside a batch that still takes it"
    );
}

#[test]
fn a_granted_ticket_can_be_refunded() {
    let granted = Given::events([created()]).when(grant(1)).events();
    let PoolEvent::TicketBought(bought) = &granted[1] else {
        panic!("{granted:?}")
    };
    let ticket = bought.ticket;
    let events = [created()].into_iter().chain(granted.iter().cloned());
    let refund = crate::domain::commands::RefundTickets {
        tickets: vec![ticket],
        reason: None,
    };
    let refunded = Given::events(events)
        .when(crate::domain::Command::RefundTickets(refund))
        .events();
    let PoolEvent::TicketRefunded(refunded) = &refunded[0] else {
        panic!("{refunded:?}")
    };
    assert!(refunded.granted);
    assert_eq!(refunded.unit_price, Minor::default());
}

#[test]
fn an_unknown_pool_is_not_found() {
    Given::nothing()
        .when(grant(1))
        .refused(&Rejection::PoolNotFound);
}
