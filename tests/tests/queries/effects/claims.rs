//! Of what happens to claims and tickets after they were claimed.

use onsale_proto::v1::{self, ClaimState, SaleStatus, TicketState};
use onsale_tests::{
    caller::{
        a_pool, buy_request, cancel_request, euros, extend_request, fixed_price, grant_request,
        limits_request, pricing_request, refund_request,
    },
    wait::eventually,
};

use super::seen;
use crate::{
    db::LIMIT,
    shared::{fresh_pool, shared},
};

const fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn states(claim: &v1::Claim) -> Vec<TicketState> {
    claim.tickets.iter().map(v1::Ticket::state).collect()
}

#[tokio::test]
async fn an_extended_claim_lives_its_whole_duration_again() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.unwrap();
    let claim = caller.claim(&id, "c", 2).await.unwrap();
    let extend = caller.commands.extend_claim(extend_request(&claim.name));
    let extended = extend.await.unwrap().into_inner();
    let mut until = extended.receipt.as_ref().unwrap().server_time.unwrap();
    until.seconds += 600;
    let expected = v1::Claim {
        expire_time: Some(until),
        ..claim.clone()
    };
    assert_eq!(extended.claim, Some(expected));
    assert!(until.seconds >= claim.expire_time.unwrap().seconds);
    let seen = seen(&system, &mut caller, &id, extended.receipt).await;
    assert_eq!(seen.counts, [0, 2, 8, 10]);
}

#[tokio::test]
async fn an_extended_claim_outlives_its_first_deadline() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let pool = v1::Pool {
        claim_duration: seconds(2),
        ..a_pool(10)
    };
    let token = caller.create(&id, pool).await.unwrap().consistency_token;
    let claim = caller.claim(&id, "c", 2).await.unwrap();
    caller.claim(&id, "d", 1).await.unwrap();
    let longer = caller.commands.change_limits(limits_request(&id));
    longer.await.unwrap();
    let extend = caller.commands.extend_claim(extend_request(&claim.name));
    extend.await.unwrap();
    eventually(LIMIT, "the other claim has ended", || async {
        let seen = caller.clone().availability(&id, &token).await.unwrap();
        (seen.version > 6 && seen.held == 2).then_some(())
    })
    .await;
    let bought = caller.buy(&claim.name).await.unwrap();
    let seen = seen(&system, &mut caller, &id, bought.receipt).await;
    assert_eq!(seen.counts, [2, 0, 8, 10]);
}

#[tokio::test]
async fn a_payment_that_came_late_buys_as_many_new_tickets_at_the_old_price() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let pool = v1::Pool {
        claim_duration: seconds(1),
        late_purchase_window: seconds(60),
        ..a_pool(2)
    };
    let token = caller.create(&id, pool).await.unwrap().consistency_token;
    let claim = caller.claim(&id, "c", 2).await.unwrap();
    eventually(LIMIT, "its places are back", || async {
        let seen = caller.clone().availability(&id, &token).await.unwrap();
        (seen.version > 3 && seen.held == 0).then_some(())
    })
    .await;
    let dearer = pricing_request(&id, fixed_price(euros(90, 0)));
    caller.commands.change_pricing(dearer).await.unwrap();

    let late = v1::BuyTicketsRequest {
        reclaim: true,
        ..buy_request(&claim.name)
    };
    let paid = caller.commands.buy_tickets(late.clone()).await.unwrap();
    let paid = paid.into_inner();
    let bought = paid.claim.clone().unwrap();
    assert_eq!(bought.state(), ClaimState::Bought);
    assert_eq!(
        states(&bought),
        [
            TicketState::Released,
            TicketState::Released,
            TicketState::Bought,
            TicketState::Bought
        ]
    );
    assert_eq!(bought.tickets[..2].len(), claim.tickets.len());
    for (old, now) in claim.tickets.iter().zip(&bought.tickets) {
        assert_eq!(old.name, now.name, "a ticket never comes back");
    }
    assert_eq!(bought.unit_price, claim.unit_price);
    assert_eq!(bought.total_price, claim.total_price);
    assert_eq!(bought.pricing_version, 1);
    let seen = seen(&system, &mut caller, &id, paid.receipt.clone()).await;
    assert_eq!(seen.counts, [2, 0, 0, 2]);
    assert_eq!(seen.status, SaleStatus::SoldOut);
    let again = caller.commands.buy_tickets(late).await.unwrap();
    assert_eq!(again.into_inner(), paid);
}

#[tokio::test]
async fn a_refund_gives_places_and_allowance_back() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let pool = v1::Pool {
        max_tickets_per_customer: 3,
        ..a_pool(3)
    };
    caller.create(&id, pool).await.unwrap();
    let purchased = caller.purchase(&id, "c", 3).await.unwrap();
    let tickets = purchased.claim.unwrap().tickets;
    let before = seen(&system, &mut caller, &id, purchased.receipt).await;
    assert_eq!(before.status, SaleStatus::SoldOut);
    let refund = caller
        .commands
        .refund_tickets(refund_request(&tickets[..2]));
    let receipt = refund.await.unwrap().into_inner().receipt;
    let after = seen(&system, &mut caller, &id, receipt).await;
    assert_eq!(after.counts, [1, 0, 2, 3]);
    assert_eq!(after.status, SaleStatus::Open);
    let again = caller.purchase(&id, "c", 2).await.unwrap();
    let again = seen(&system, &mut caller, &id, again.receipt).await;
    assert_eq!(again.counts, [3, 0, 0, 3]);
}

#[tokio::test]
async fn tickets_are_given_away_also_while_nothing_is_sold() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.unwrap();
    let mode = v1::StopMode::FinishClaims;
    caller.stop_sales(&id, mode).await.unwrap();
    let granted = caller
        .commands
        .grant_tickets(grant_request(&id, "press", 9));
    let granted = granted.await.unwrap().into_inner();
    let claim = granted.claim.unwrap();
    assert_eq!(claim.state(), ClaimState::Bought);
    assert_eq!(states(&claim), [TicketState::Bought; 9]);
    assert_eq!(claim.unit_price, Some(euros(0, 0)));
    assert_eq!(claim.total_price, Some(euros(0, 0)));
    assert_eq!(claim.customer, "press");
    let seen = seen(&system, &mut caller, &id, granted.receipt).await;
    assert_eq!(seen.counts, [9, 0, 1, 10]);
    assert_eq!(seen.status, SaleStatus::Stopped);
    let too_many = caller
        .commands
        .grant_tickets(grant_request(&id, "press", 2));
    assert!(too_many.await.is_err(), "one place is left");
}

#[tokio::test]
async fn the_end_of_a_pool_ends_live_claims_and_their_places_come_back() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.unwrap();
    caller.claim(&id, "a", 3).await.unwrap();
    let sold = caller.purchase(&id, "b", 2).await.unwrap();
    let cancelled = caller.commands.cancel_pool(cancel_request(&id));
    let receipt = cancelled.await.unwrap().into_inner().receipt;
    let token = receipt.as_ref().unwrap().consistency_token.clone();
    eventually(LIMIT, "its places are back", || async {
        let seen = caller.clone().availability(&id, &token).await.unwrap();
        (super::counts(&seen) == [2, 0, 8, 10]).then_some(())
    })
    .await;
    let tickets = sold.claim.unwrap().tickets;
    let refund = caller.commands.refund_tickets(refund_request(&tickets));
    let refunded = refund.await.unwrap().into_inner().receipt;
    assert!(refunded.as_ref().unwrap().version > receipt.unwrap().version);
    let seen = seen(&system, &mut caller, &id, refunded).await;
    assert_eq!(seen.counts, [0, 0, 10, 10]);
    assert_eq!(seen.status, SaleStatus::Cancelled);
    assert_eq!(seen.pool.state(), v1::PoolState::Cancelled);
}
