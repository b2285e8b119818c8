use super::*;
use crate::domain::{Command, Decision, Request, commands::testing::*, decide};

fn committed() -> Vec<PoolEvent> {
    let held = [claimed(1, 1), claimed(1, 2)];
    [created()].into_iter().chain(sold(3)).chain(held).collect()
}

fn below(requested: u32, held: u32) -> Rejection {
    Rejection::CapacityBelowCommitted {
        requested,
        counts: Counts {
            capacity: CAPACITY,
            sold: 3,
            held,
        },
    }
}

#[test]
fn there_can_be_more_tickets() {
    Given::events(committed())
        .when(change_capacity(CAPACITY * 2))
        .then([capacity_changed(CAPACITY * 2)]);
}

#[test]
fn there_can_be_as_few_tickets_as_are_sold_and_held_and_no_fewer() {
    Given::events(committed())
        .when(change_capacity(5))
        .then([capacity_changed(5)]);
    Given::events(committed())
        .when(change_capacity(4))
        .refused(&below(4, 2));
}

#[test]
fn a_larger_pool_sells_on() {
    let events = [created()].into_iter().chain(sold(CAPACITY));
    let events = events.chain([capacity_changed(CAPACITY + 1)]);
    assert_eq!(Given::events(events).when(claim(1)).events().len(), 1);
}

#[test]
fn dead_claims_that_are_in_the_way_are_swept_before() {
    let decide_at_the_deadline = |capacity| {
        let given = Given::events(committed());
        let request = Request {
            id: onsale_shared::id::RequestId(uuid::Uuid::from_u128(7)),
            hash: onsale_shared::event::CommandHash(7),
            is_repeat: false,
            command: change_capacity(capacity),
        };
        let mut ids = onsale_shared::id::Ids::from(uuid::Uuid::from_u128(1 << 64));
        decide(&given.pool, &request, minute(CLAIM_MINUTES), &mut ids)
    };
    assert_eq!(decide_at_the_deadline(4), Ok(Decision::SweepFirst));
    assert_eq!(decide_at_the_deadline(3), Ok(Decision::SweepFirst));
    assert_eq!(decide_at_the_deadline(2), Err(below(2, 0)));
    assert!(matches!(
        decide_at_the_deadline(5),
        Ok(Decision::Record(facts)) if facts[0].event == capacity_changed(5)
    ));
}

#[test]
fn an_unknown_pool_is_not_found() {
    let command: Command = change_capacity(1);
    Given::nothing()
        .when(command)
        .refused(&Rejection::PoolNotFound);
}
