//! Payments that come after the deadline.

use onsale_shared::event::{ReleaseCause, StopMode};

use crate::domain::{Rejection, commands::testing::*, partials::Counts};
use onsale_shared::event::PoolEvent;

/// A claim of two that expired a minute ago.
fn an_expired_claim(more: impl IntoIterator<Item = PoolEvent>) -> Given {
    let events = [created(), claimed(1, 1), claimed(1, 2)];
    Given::events(events.into_iter().chain(more)).after_minutes(CLAIM_MINUTES + 1)
}

/// What comes of it, without the ids of the new tickets.
fn kinds(events: &[PoolEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind().as_str()).collect()
}

#[test]
fn as_many_new_tickets_of_the_same_claim_are_bought_at_its_price() {
    let after_a_price_change = an_expired_claim([price_changed(9_999)]);
    let events = after_a_price_change.when(buy_late(1, &[])).events();
    assert_eq!(
        kinds(&events),
        [
            "TicketReleased",
            "TicketReleased",
            "TicketClaimed",
            "TicketBought",
            "TicketClaimed",
            "TicketBought",
        ]
    );
    let (PoolEvent::TicketClaimed(claimed), PoolEvent::TicketBought(bought)) =
        (&events[2], &events[3])
    else {
        panic!("{events:?}")
    };
    assert_eq!(claimed.claim, claim_id(1));
    assert_eq!(claimed.replaces, Some(ticket_id(1)));
    assert_ne!(claimed.ticket, ticket_id(1), "an id never comes back");
    assert_eq!(bought.unit_price, euros(4_999).minor, "the locked price");
    assert_eq!(bought.ticket, claimed.ticket);
}

#[test]
fn a_claim_that_is_swept_is_bought_late_all_the_same() {
    let swept = [1, 2].map(|n| released(1, n, ReleaseCause::Expired));
    let events = an_expired_claim(swept).when(buy_late(1, &[2])).events();
    assert_eq!(kinds(&events), ["TicketClaimed", "TicketBought"]);
}

#[test]
fn a_live_claim_is_simply_bought() {
    Given::events([created(), claimed(1, 1)])
        .when(buy_late(1, &[]))
        .then([bought(1, 1)]);
}

#[test]
fn the_window_ends_at_its_moment() {
    let given = |minutes| an_expired_claim([]).after_minutes(CLAIM_MINUTES + minutes);
    assert_eq!(
        given(LATE_MINUTES - 1)
            .when(buy_late(1, &[]))
            .events()
            .len(),
        6
    );
    given(LATE_MINUTES)
        .when(buy_late(1, &[]))
        .refused(&Rejection::ClaimExpired {
            claim: claim_id(1),
            expire_time: minute(CLAIM_MINUTES),
        });
}

#[test]
fn it_is_never_sold_twice() {
    let paid_late = [
        released(1, 1, ReleaseCause::Expired),
        released(1, 2, ReleaseCause::Expired),
    ];
    let replaced = reclaimed(1, 3, 1, CLAIM_MINUTES);
    let given = || an_expired_claim(paid_late.clone().into_iter().chain(replaced.clone()));
    given()
        .when(buy_late(1, &[1]))
        .refused(&Rejection::TicketNotHeld {
            claim: claim_id(1),
            ticket: Some(ticket_id(1)),
        });
    let rest = given().when(buy_late(1, &[])).events();
    assert_eq!(kinds(&rest), ["TicketClaimed", "TicketBought"], "ticket 2");
    let all = reclaimed(1, 4, 2, CLAIM_MINUTES);
    let given = an_expired_claim(paid_late.into_iter().chain(replaced).chain(all));
    given
        .when(buy_late(1, &[]))
        .refused(&Rejection::TicketNotHeld {
            claim: claim_id(1),
            ticket: None,
        });
}

/// Ticket 1 was paid a minute late, and has a deadline of its own since.
#[test]
fn a_late_payment_of_a_part_makes_the_rest_no_younger() {
    let paid = [1, 2].map(|n| released(1, n, ReleaseCause::Expired));
    let paid = paid
        .into_iter()
        .chain(reclaimed(1, 3, 1, CLAIM_MINUTES + 1));
    let given = |minutes| an_expired_claim(paid.clone()).after_minutes(minutes);
    let rest = given(CLAIM_MINUTES + LATE_MINUTES - 1).when(buy_late(1, &[2]));
    assert_eq!(kinds(&rest.events()), ["TicketClaimed", "TicketBought"]);
    let expired = Rejection::ClaimExpired {
        claim: claim_id(1),
        expire_time: minute(CLAIM_MINUTES),
    };
    given(CLAIM_MINUTES + LATE_MINUTES)
        .when(buy_late(1, &[2]))
        .refused(&expired);
    given(CLAIM_MINUTES + 2)
        .when(buy(1, &[2]))
        .refused(&expired);
    given(CLAIM_MINUTES + 2).when(extend(1)).refused(&expired);
}

#[test]
fn without_tickets_the_money_is_due_back() {
    let swept = [1, 2].map(|n| released(1, n, ReleaseCause::Expired));
    an_expired_claim(swept.into_iter().chain(sold(CAPACITY - 1)))
        .when(buy_late(1, &[]))
        .refused(&Rejection::InsufficientAvailability {
            requested: 2,
            counts: Counts {
                capacity: CAPACITY,
                sold: CAPACITY - 1,
                held: 0,
            },
        });
}

#[test]
fn a_stop_refuses_it_and_the_end_of_sales_does_not() {
    let mode = StopMode::FinishClaims;
    an_expired_claim([stopped(mode)])
        .when(buy_late(1, &[]))
        .refused(&Rejection::SalesStopped { mode });
    let over = rescheduled(Schedule {
        sales_end_time: Some(minute(1)),
        ..Schedule::default()
    });
    let events = an_expired_claim([over]).when(buy_late(1, &[])).events();
    assert_eq!(events.len(), 6);
}

/// It would be told to wait for the sale to resume, in vain.
#[test]
fn what_is_final_comes_before_a_stop() {
    let stopped = || an_expired_claim([stopped(StopMode::FinishClaims)]);
    let when = stopped()
        .after_minutes(CLAIM_MINUTES + LATE_MINUTES)
        .when(buy_late(1, &[]));
    let refusal = when.result.unwrap_err();
    assert!(
        matches!(refusal, Rejection::ClaimExpired { .. }),
        "{refusal:?}"
    );
    let refusal = stopped().when(buy_late(1, &[9])).result.unwrap_err();
    assert!(
        matches!(refusal, Rejection::TicketNotHeld { .. }),
        "{refusal:?}"
    );
}

/// Whether it was swept before the stop makes no difference.
#[test]
fn a_stop_does_not_void_what_had_expired() {
    let expired = [created(), claimed_until(1, 1, minute(0))];
    let stop = [stopped(StopMode::VoidClaims), resumed()];
    for swept in [None, Some(released(1, 1, ReleaseCause::Expired))] {
        let events = expired.iter().cloned().chain(swept).chain(stop.clone());
        let given = Given::events(events);
        let events = given.when(buy_late(1, &[])).events();
        let (release, bought) = events.split_at(events.len() - 2);
        assert_eq!(kinds(bought), ["TicketClaimed", "TicketBought"]);
        let is_expired = |event: &PoolEvent| {
            let PoolEvent::TicketReleased(released) = event else {
                return false;
            };
            released.cause == ReleaseCause::Expired
        };
        assert!(release.iter().all(is_expired), "{release:?}");
    }
}

#[test]
fn as_many_as_an_order_may_name_are_bought_late() {
    let two_an_order = limits_changed(Limits {
        max_tickets_per_order: 2,
        max_tickets_per_customer: 2,
        ..limits()
    });
    let events = an_expired_claim([two_an_order])
        .when(buy_late(1, &[]))
        .events();
    assert_eq!(events.len(), 6);
}

#[test]
fn what_the_caller_said_of_the_claim_stays_with_it() {
    let PoolEvent::TicketClaimed(mut noted) = claimed(1, 1) else {
        unreachable!("claimed() claims")
    };
    noted.reference = Some(customer());
    noted.labels = [("seat".to_owned(), "front".to_owned())].into();
    let events = [created(), PoolEvent::TicketClaimed(noted.clone())];
    let events = Given::events(events)
        .after_minutes(CLAIM_MINUTES)
        .when(buy_late(1, &[]))
        .events();
    let PoolEvent::TicketClaimed(again) = &events[1] else {
        panic!("{events:?}")
    };
    assert_eq!(again.reference, noted.reference);
    assert_eq!(again.labels, noted.labels);
}

#[test]
fn a_claim_that_was_paid_late_has_a_new_deadline_and_outlives_older_stops() {
    let mut events = vec![created(), claimed(1, 1)];
    events.extend([
        released(1, 1, ReleaseCause::Expired),
        stopped(StopMode::VoidClaims),
        resumed(),
    ]);
    let [claimed_again, _] = reclaimed(1, 2, 1, CLAIM_MINUTES + 1);
    events.push(claimed_again);
    let pool = fold(&events);
    let claim = pool.claims.get(claim_id(1)).unwrap();
    assert_eq!(claim.expire_time, minute(2 * CLAIM_MINUTES + 1));
    assert_eq!(pool.claims.next_deadline(), Some(claim.expire_time));
    assert_eq!(pool.claims.death(claim, minute(CLAIM_MINUTES + 1)), None);
}

#[test]
fn the_limits_hold_as_for_a_new_claim() {
    let one_an_order = limits_changed(Limits {
        max_tickets_per_order: 1,
        ..limits()
    });
    an_expired_claim([one_an_order])
        .when(buy_late(1, &[]))
        .refused(&Rejection::OrderLimitExceeded {
            requested: 2,
            max: 1,
        });
    let one_a_customer = limits_changed(Limits {
        max_tickets_per_customer: 1,
        ..limits()
    });
    an_expired_claim([one_a_customer])
        .when(buy_late(1, &[]))
        .refused(&Rejection::CustomerLimitExceeded {
            requested: 2,
            has: 0,
            max: 1,
        });
}

#[test]
fn a_ticket_that_was_given_back_is_not_bought_late() {
    let back = released(1, 1, ReleaseCause::Customer);
    an_expired_claim([back])
        .when(buy_late(1, &[1]))
        .refused(&Rejection::TicketNotHeld {
            claim: claim_id(1),
            ticket: Some(ticket_id(1)),
        });
}

#[test]
fn a_ticket_that_is_named_twice_is_not_bought_twice() {
    an_expired_claim([])
        .when(buy_late(1, &[1, 1]))
        .refused(&Rejection::TicketNotHeld {
            claim: claim_id(1),
            ticket: Some(ticket_id(1)),
        });
}
