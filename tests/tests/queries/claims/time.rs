//! What time alone does to a claim.

use onsale_proto::{
    name,
    v1::{self, ClaimState, TicketState},
};
use onsale_shared::{log::Position, token::ConsistencyToken};
use onsale_tests::{
    caller::{Caller, a_pool, buy_request, claim_request},
    system::System,
    wait::eventually,
};

use super::{claim, seconds};
use crate::db::{Db, LIMIT};

/// The pool `short`, whose claims end after three seconds.
async fn a_short_pool() -> (System, Caller) {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let pool = v1::Pool {
        claim_duration: seconds(3),
        ..a_pool(10)
    };
    caller.create("short", pool).await.unwrap();
    (system, caller)
}

/// Until time has made a claim `state`.
async fn becomes(caller: &Caller, name: &str, state: ClaimState) {
    eventually(LIMIT, "the deadline passes", || async {
        let read = claim(caller, name, None).await.ok()?;
        (read.claim?.state() == state).then_some(())
    })
    .await;
}

async fn listed(caller: &Caller, pool: &str, state: ClaimState) -> Vec<(String, ClaimState)> {
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
    let (mut system, mut caller) = a_short_pool().await;
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
    becomes(&caller, &whole.name, ClaimState::Expired).await;
    let read = claim(&caller, &whole.name, None).await.unwrap();
    assert_eq!((read.held, read.released), (2, 0), "not swept");
    for ticket in &read.tickets {
        assert_eq!(ticket.ticket.as_ref().unwrap().state(), TicketState::Held);
    }
    // What was bought counts more than what was not.
    becomes(&caller, &partly.name, ClaimState::Bought).await;
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

/// Whether it was swept before the stop makes no difference.
#[tokio::test]
async fn a_stop_does_not_void_what_had_expired() {
    let (mut system, mut caller) = a_short_pool().await;
    let early = caller.claim("short", "a", 2).await.unwrap();
    // From here on nobody sweeps.
    system.commands.remove(0).kill().await;
    let db = Db::of(&system.database).await;
    becomes(&caller, &early.name, ClaimState::Expired).await;
    let stop = db.plant("short", "SalesStopped", r#"{"mode":"VOID_CLAIMS"}"#);
    let receipt = v1::Receipt {
        consistency_token: ConsistencyToken::new(Position::new(stop.await).unwrap()).encode(),
        ..v1::Receipt::default()
    };
    let read = claim(&caller, &early.name, Some(&receipt)).await.unwrap();
    assert_eq!(read.held, 2, "not swept");
    assert_eq!(read.claim.unwrap().state(), ClaimState::Expired);
    let expired = (early.name, ClaimState::Expired);
    for (state, expected) in [
        (ClaimState::Held, vec![]),
        (ClaimState::Voided, vec![]),
        (ClaimState::Expired, vec![expired.clone()]),
        (ClaimState::Unspecified, vec![expired]),
    ] {
        assert_eq!(listed(&caller, "short", state).await, expected, "{state:?}");
    }
}

#[tokio::test]
async fn a_deadline_that_passes_while_a_read_waits_has_passed_in_its_answer() {
    let (mut system, mut caller) = a_short_pool().await;
    let held = caller.claim("short", "a", 2).await.unwrap();
    // From here on nobody sweeps.
    system.commands.remove(0).kill().await;
    let db = Db::of(&system.database).await;
    let next = Position::new(db.head().await + 1).unwrap();
    let receipt = v1::Receipt {
        consistency_token: ConsistencyToken::new(next).encode(),
        ..v1::Receipt::default()
    };
    let reads = async {
        let listing = v1::ListClaimsRequest {
            pool: name::pool("short"),
            at_least_as_fresh: receipt.consistency_token.clone(),
            ..v1::ListClaimsRequest::default()
        };
        let mut queries = caller.queries.clone();
        let (read, listed) = tokio::join!(
            claim(&caller, &held.name, Some(&receipt)),
            queries.list_claims(listing)
        );
        let listed = listed.unwrap().into_inner().claims.remove(0);
        [read.unwrap(), listed].map(|record| record.claim.unwrap().state())
    };
    let event = async {
        let passed = held.expire_time.unwrap().seconds + 1;
        eventually(LIMIT, "the deadline", || async {
            let now = db.number("SELECT extract(epoch FROM clock_timestamp())::bigint");
            (now.await > passed).then_some(())
        })
        .await;
        db.plant("short", "SalesResumed", "{}").await
    };
    let (states, _position) = tokio::join!(reads, event);
    assert_eq!(states, [ClaimState::Expired; 2]);
}

/// What was bought in time is never shown as expired: not while the table is still to learn of it, either.
#[tokio::test]
async fn a_claim_that_was_bought_in_time_never_expired_though_the_table_is_behind() {
    let (system, mut caller) = a_short_pool().await;
    let claimed = claim_request("short", "a", 2);
    let claimed = caller.commands.claim_tickets(claimed).await.unwrap();
    let v1::ClaimTicketsResponse {
        claim: held,
        receipt,
        ..
    } = claimed.into_inner();
    let held = held.unwrap();
    let read = claim(&caller, &held.name, receipt.as_ref()).await;
    assert_eq!(read.unwrap().claim.unwrap().state(), ClaimState::Held);
    let mut writer = system.database.admin().await;
    sqlx::raw_sql(
        "BEGIN; SELECT FROM onsale_query.generations WHERE projection = 'claims' FOR UPDATE",
    )
    .execute(&mut writer)
    .await
    .unwrap();
    let bought = caller.buy(&held.name).await.expect("in time");
    let expire_time = held.expire_time.unwrap();
    eventually(LIMIT, "the deadline", || async {
        let shown = caller.clone().availability("short", "").await.ok()?;
        (shown.as_of_time?.seconds > expire_time.seconds).then_some(())
    })
    .await;
    let shown = claim(&caller, &held.name, None).await.unwrap();
    assert_eq!(shown.claim.unwrap().state(), ClaimState::Held);
    let held_ones = [(held.name.clone(), ClaimState::Held)];
    assert_eq!(listed(&caller, "short", ClaimState::Held).await, held_ones);
    assert_eq!(listed(&caller, "short", ClaimState::Expired).await, []);
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut writer)
        .await
        .unwrap();
    let shown = claim(&caller, &held.name, bought.receipt.as_ref()).await;
    assert_eq!(shown.unwrap().claim.unwrap().state(), ClaimState::Bought);
}
