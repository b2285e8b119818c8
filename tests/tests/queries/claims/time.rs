//! What time alone does to a claim.

use onsale_proto::{
    name,
    v1::{self, ClaimState, TicketState},
};
use onsale_tests::{
    caller::{a_pool, buy_request},
    system::System,
    wait::eventually,
};

use super::{claim, seconds};
use crate::db::LIMIT;

async fn listed(
    caller: &onsale_tests::caller::Caller,
    pool: &str,
    state: ClaimState,
) -> Vec<(String, ClaimState)> {
    let request = v1::ListClaimsRequest {
        pool: name::pool(pool),
        state: state.into(),
        ..v1::ListClaimsRequest::default()
    };
    let answer = caller.queries.clone().list_claims(request).await;
    let claims = answer.expect("claims").into_inner().claims;
    let claims = claims.into_iter().filter_map(|record| record.claim);
    claims.map(|c| (c.name.clone(), c.state())).collect()
}

#[tokio::test]
async fn a_claim_past_its_deadline_is_expired_though_nobody_swept_it() {
    let mut system = System::start().await;
    let mut caller = system.caller().await;
    let pool = v1::Pool {
        claim_duration: seconds(3),
        ..a_pool(10)
    };
    caller.create("short", pool).await.unwrap();
    let whole = caller.claim("short", "a", 2).await.unwrap();
    let partly = caller.claim("short", "b", 2).await.unwrap();
    let one = v1::BuyTicketsRequest {
        tickets: vec![partly.tickets[0].name.clone()],
        ..buy_request(&partly.name)
    };
    let bought = caller.commands.buy_tickets(one).await.unwrap().into_inner();
    let read = claim(&caller, &whole.name, bought.receipt.as_ref())
        .await
        .unwrap();
    assert_eq!(read.claim.unwrap().state(), ClaimState::Held);
    let held = [whole.name.clone(), partly.name.clone()].map(|name| (name, ClaimState::Held));
    assert_eq!(listed(&caller, "short", ClaimState::Held).await, held);
    // From here on nobody sweeps.
    system.commands.remove(0).kill().await;
    eventually(LIMIT, "time passes the deadline", || async {
        let read = claim(&caller, &whole.name, None).await.ok()?;
        (read.claim?.state() == ClaimState::Expired).then_some(())
    })
    .await;
    let read = claim(&caller, &whole.name, None).await.unwrap();
    assert_eq!((read.held, read.released), (2, 0), "not swept");
    for ticket in &read.tickets {
        assert_eq!(ticket.ticket.as_ref().unwrap().state(), TicketState::Held);
    }
    // What was bought counts more than what was not.
    eventually(LIMIT, "the other deadline", || async {
        let read = claim(&caller, &partly.name, None).await.ok()?;
        (read.claim?.state() == ClaimState::Bought).then_some(())
    })
    .await;
    let read = claim(&caller, &partly.name, None).await.unwrap();
    assert_eq!((read.held, read.bought), (1, 1));
    let expired = (whole.name, ClaimState::Expired);
    let bought = (partly.name, ClaimState::Bought);
    assert_eq!(listed(&caller, "short", ClaimState::Held).await, []);
    assert_eq!(listed(&caller, "short", ClaimState::Voided).await, []);
    assert_eq!(listed(&caller, "short", ClaimState::Released).await, []);
    assert_eq!(
        listed(&caller, "short", ClaimState::Expired).await,
        std::slice::from_ref(&expired)
    );
    assert_eq!(
        listed(&caller, "short", ClaimState::Bought).await,
        std::slice::from_ref(&bought)
    );
    assert_eq!(
        listed(&caller, "short", ClaimState::Unspecified).await,
        [expired, bought]
    );
}
