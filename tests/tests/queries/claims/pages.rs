//! Pages stay what they are while their rows change, and what is not a page of a query is refused.

use onsale_proto::{
    name,
    reason::Reason,
    status::metadata_of,
    v1::{self, ClaimState, TicketState},
};
use onsale_tests::caller::{Caller, a_pool, claim_request};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{claim, fresh_customer, token};
use crate::{
    refused::{refused, violates},
    shared::{fresh_pool, shared},
};

fn of_pool(pool: &str, page_size: i32, page_token: &str) -> v1::ListClaimsRequest {
    v1::ListClaimsRequest {
        pool: name::pool(pool),
        page_size,
        page_token: page_token.to_owned(),
        ..v1::ListClaimsRequest::default()
    }
}

async fn claims(caller: &Caller, request: v1::ListClaimsRequest) -> v1::ListClaimsResponse {
    let answer = caller.queries.clone().list_claims(request).await;
    answer.expect("claims").into_inner()
}

async fn tickets(caller: &Caller, request: v1::ListTicketsRequest) -> v1::ListTicketsResponse {
    let answer = caller.queries.clone().list_tickets(request).await;
    answer.expect("tickets").into_inner()
}

fn names(claims: &[v1::ClaimRecord]) -> Vec<String> {
    let claims = claims.iter().filter_map(|record| record.claim.as_ref());
    claims.map(|claim| claim.name.clone()).collect()
}

#[tokio::test]
async fn every_claim_is_on_one_page_while_claims_change_between_pages() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, customer) = (fresh_pool(), fresh_customer());
    caller.create_pool(&id, 100).await.unwrap();
    let mut made = Vec::new();
    let mut fresh = String::new();
    for _ in 0..11 {
        let answer = caller
            .commands
            .claim_tickets(claim_request(&id, &customer, 2))
            .await;
        let answer = answer.unwrap().into_inner();
        made.push(answer.claim.unwrap().name);
        fresh = token(answer.receipt.as_ref());
    }
    let mut seen = Vec::new();
    let mut page_token = String::new();
    for page in 0.. {
        let request = v1::ListClaimsRequest {
            at_least_as_fresh: fresh.clone(),
            ..of_pool(&id, 3, &page_token)
        };
        let answer = claims(&caller, request).await;
        for record in &answer.claims {
            assert_eq!(record.tickets, []);
            assert_eq!(record.claim.as_ref().unwrap().tickets, []);
        }
        seen.extend(names(&answer.claims));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
        assert_eq!(answer.claims.len(), 3);
        // One that was seen, one that was not, and a new one.
        let receipt = match page {
            0 => caller.release(&made[0]).await.unwrap().receipt,
            1 => caller.buy(&made[10]).await.unwrap().receipt,
            _ => {
                let answer = caller.purchase(&id, &customer, 1).await.unwrap();
                made.push(answer.claim.unwrap().name);
                answer.receipt
            }
        };
        fresh = token(receipt.as_ref());
        assert!(page < 9, "no end");
    }
    assert_eq!(seen, made);

    // The same rows, by customer, in states, and as tickets.
    let by_customer = claims(
        &caller,
        v1::ListClaimsRequest {
            customer: customer.clone(),
            at_least_as_fresh: fresh.clone(),
            ..v1::ListClaimsRequest::default()
        },
    );
    assert_eq!(names(&by_customer.await.claims), made);
    let counts = [
        (ClaimState::Held, 9),
        (ClaimState::Bought, 2),
        (ClaimState::Released, 1),
        (ClaimState::Expired, 0),
    ];
    for (state, count) in counts {
        let request = v1::ListClaimsRequest {
            state: state.into(),
            ..of_pool(&id, 0, "")
        };
        assert_eq!(
            claims(&caller, request).await.claims.len(),
            count,
            "{state:?}"
        );
    }
}

#[tokio::test]
async fn tickets_are_listed_by_pool_customer_claim_and_state_page_by_page() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, customer) = (fresh_pool(), fresh_customer());
    caller.create_pool(&id, 100).await.unwrap();
    let mut in_order = Vec::new();
    let mut last = caller.purchase(&id, &customer, 4).await.unwrap();
    in_order.extend(last.claim.clone().unwrap().tickets);
    for _ in 0..3 {
        let held = caller.claim(&id, &customer, 3).await.unwrap();
        in_order.extend(held.tickets.clone());
    }
    last = caller.purchase(&id, &fresh_customer(), 1).await.unwrap();
    let fresh = token(last.receipt.as_ref());
    for by in ["pool", "customer"] {
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListTicketsRequest {
                pool: if by == "pool" {
                    name::pool(&id)
                } else {
                    String::new()
                },
                customer: if by == "customer" {
                    customer.clone()
                } else {
                    String::new()
                },
                page_size: 4,
                page_token,
                at_least_as_fresh: fresh.clone(),
                ..v1::ListTicketsRequest::default()
            };
            let answer = tickets(&caller, request).await;
            seen.extend(answer.tickets.into_iter().filter_map(|t| t.ticket));
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let mut expected = in_order.clone();
        if by == "pool" {
            expected.extend(last.claim.clone().unwrap().tickets);
        }
        assert_eq!(seen, expected, "{by}");
    }
    let of = |claim: &str, state: TicketState| v1::ListTicketsRequest {
        claim: claim.to_owned(),
        state: state.into(),
        ..v1::ListTicketsRequest::default()
    };
    let claim = last.claim.unwrap().name;
    let all = tickets(&caller, of(&claim, TicketState::Unspecified)).await;
    assert_eq!(all.tickets.len(), 1);
    assert_eq!(all.tickets[0].claim, claim);
    let none = tickets(&caller, of(&claim, TicketState::Refunded)).await;
    assert_eq!(none.tickets, []);
    for (state, count) in [(TicketState::Bought, 5), (TicketState::Held, 9)] {
        let request = v1::ListTicketsRequest {
            pool: name::pool(&id),
            state: state.into(),
            ..v1::ListTicketsRequest::default()
        };
        assert_eq!(tickets(&caller, request).await.tickets.len(), count);
    }
}

#[tokio::test]
async fn claims_are_found_by_their_reference() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, cart) = (fresh_pool(), fresh_customer());
    caller.create_pool(&id, 100).await.unwrap();
    let mut fresh = String::new();
    for customer in ["a", "b", "c"] {
        let request = v1::ClaimTicketsRequest {
            reference: if customer == "b" {
                String::new()
            } else {
                cart.clone()
            },
            ..claim_request(&id, customer, 1)
        };
        let answer = caller.commands.claim_tickets(request).await.unwrap();
        fresh = token(answer.into_inner().receipt.as_ref());
    }
    for (customer, count) in [("", 2), ("a", 1), ("b", 0)] {
        let request = v1::ListClaimsRequest {
            customer: customer.into(),
            reference: cart.clone(),
            at_least_as_fresh: fresh.clone(),
            ..v1::ListClaimsRequest::default()
        };
        let found = claims(&caller, request).await.claims;
        assert_eq!(found.len(), count, "{customer}");
        assert!(
            found
                .iter()
                .all(|c| c.claim.as_ref().unwrap().reference == cart)
        );
    }
}

#[tokio::test]
async fn a_huge_page_is_taken_down_and_an_unset_one_has_fifty() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let pool = v1::Pool {
        max_tickets_per_order: 100,
        ..a_pool(1_000)
    };
    caller.create(&id, pool).await.unwrap();
    let mut fresh = String::new();
    for _ in 0..6 {
        let answer = caller.purchase(&id, "c", 100).await.unwrap();
        fresh = token(answer.receipt.as_ref());
    }
    for (page_size, count) in [(0, 50), (500, 500), (501, 500), (i32::MAX, 500), (7, 7)] {
        let request = v1::ListTicketsRequest {
            pool: name::pool(&id),
            page_size,
            at_least_as_fresh: fresh.clone(),
            ..v1::ListTicketsRequest::default()
        };
        let answer = tickets(&caller, request).await;
        assert_eq!(answer.tickets.len(), count, "{page_size}");
        assert_ne!(answer.next_page_token, "");
    }
}

#[tokio::test]
async fn what_is_no_page_of_a_query_is_refused_by_its_field() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, other) = (fresh_pool(), fresh_pool());
    for pool in [&id, &other] {
        caller.create_pool(pool, 100).await.unwrap();
    }
    let mut fresh = String::new();
    for _ in 0..3 {
        fresh = token(caller.purchase(&id, "c", 1).await.unwrap().receipt.as_ref());
    }
    let first = v1::ListClaimsRequest {
        at_least_as_fresh: fresh.clone(),
        ..of_pool(&id, 1, "")
    };
    let page_token = claims(&caller, first).await.next_page_token;
    assert_ne!(page_token, "");
    // Another size and another freshness are the same query.
    let second = v1::ListClaimsRequest {
        at_least_as_fresh: String::new(),
        ..of_pool(&id, 2, &page_token)
    };
    assert_eq!(claims(&caller, second).await.claims.len(), 2);
    let foreign = [
        of_pool(&other, 1, &page_token),
        v1::ListClaimsRequest {
            state: ClaimState::Held.into(),
            ..of_pool(&id, 1, &page_token)
        },
        v1::ListClaimsRequest {
            customer: "c".into(),
            ..of_pool(&id, 1, &page_token)
        },
        of_pool(&id, 1, "garbage"),
        of_pool(&id, 1, &page_token[1..]),
        of_pool(&id, 1, &format!("{page_token}AAAA")),
        of_pool(&id, 1, &fresh),
    ];
    for request in foreign {
        let answer = caller.queries.list_claims(request).await;
        violates(answer, &["page_token"]);
    }
    let request = v1::ListTicketsRequest {
        pool: name::pool(&id),
        page_token: page_token.clone(),
        ..v1::ListTicketsRequest::default()
    };
    violates(caller.queries.list_tickets(request).await, &["page_token"]);
    let request = v1::GetCustomerHistoryRequest {
        customer: "c".into(),
        page_token,
        page_size: -1,
        ..v1::GetCustomerHistoryRequest::default()
    };
    let answer = caller.queries.get_customer_history(request).await;
    violates(answer, &["page_size", "page_token"]);
    let answer = caller.queries.list_claims(of_pool(&id, i32::MIN, "")).await;
    violates(answer, &["page_size"]);
    let answer = caller.queries.list_claims(v1::ListClaimsRequest::default());
    violates(answer.await, &["pool"]);
}

#[tokio::test]
async fn pools_and_claims_that_nobody_made_are_not_found() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, unknown) = (fresh_pool(), fresh_pool());
    let fresh = caller.create_pool(&id, 1).await.unwrap().consistency_token;
    let nobodys = name::claim(&id, Uuid::nil());
    let created = v1::Receipt {
        consistency_token: fresh.clone(),
        ..v1::Receipt::default()
    };
    let by_name = claim(&caller, &nobodys, Some(&created)).await.map(drop);
    let request = v1::ListTicketsRequest {
        claim: nobodys.clone(),
        at_least_as_fresh: fresh,
        ..v1::ListTicketsRequest::default()
    };
    let listed = caller.queries.list_tickets(request).await.map(drop);
    for answer in [by_name, listed] {
        let status = refused(answer, Reason::ClaimNotFound);
        assert_eq!(metadata_of(&status, "claim"), Some(nobodys.clone()));
        let details = status.get_error_details();
        let resource = details.resource_info().unwrap();
        assert_eq!(resource.resource_name, nobodys);
        assert_eq!(resource.resource_type, "onsale.v1.Claim");
    }
    let of_unknown = name::claim(&unknown, Uuid::nil());
    let by_name = claim(&caller, &of_unknown, None).await.map(drop);
    let request = of_pool(&unknown, 1, "");
    let listed = caller.queries.list_claims(request).await.map(drop);
    let request = v1::GetCustomerHistoryRequest {
        customer: "c".into(),
        pool: name::pool(&unknown),
        ..v1::GetCustomerHistoryRequest::default()
    };
    let told = caller.queries.get_customer_history(request).await.map(drop);
    for answer in [by_name, listed, told] {
        let status = refused(answer, Reason::PoolNotFound);
        assert_eq!(metadata_of(&status, "pool"), Some(name::pool(&unknown)));
    }
}
