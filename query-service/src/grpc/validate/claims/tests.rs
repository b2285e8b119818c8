use super::super::tests::fields;
use super::*;

const CLAIM: &str = "pools/abc/claims/018f0000-0000-7000-8000-00000000c1a1";

#[test]
fn a_claim_has_a_name_of_its_own() {
    let asked = get_claim(&v1::GetClaimRequest {
        name: CLAIM.into(),
        at_least_as_fresh: String::new(),
    });
    let asked = asked.unwrap();
    assert_eq!(name::claim(asked.pool.as_str(), asked.claim), CLAIM);
    for bad in [
        "",
        "pools/abc",
        "pools/abc/claims/1",
        "pools/A/claims/018f0000-0000-7000-8000-00000000c1a1",
        "pools/abc/tickets/018f0000-0000-7000-8000-00000000c1a1",
        "pools/abc/claims/018f0000-0000-7000-8000-00000000c1a1/x",
    ] {
        let refused = get_claim(&v1::GetClaimRequest {
            name: bad.into(),
            at_least_as_fresh: "x".into(),
        });
        assert_eq!(
            fields(refused.unwrap_err()),
            ["name", "at_least_as_fresh"],
            "{bad}"
        );
    }
}

#[test]
fn lists_say_of_what_they_are() {
    let refused = list_claims(&v1::ListClaimsRequest {
        state: v1::ClaimState::Held.into(),
        ..v1::ListClaimsRequest::default()
    });
    assert_eq!(fields(refused.unwrap_err()), ["pool"]);
    let refused = list_tickets(&v1::ListTicketsRequest::default());
    assert_eq!(fields(refused.unwrap_err()), ["pool"]);
    let refused = customer_history(&v1::GetCustomerHistoryRequest {
        pool: "pools/abc".into(),
        ..v1::GetCustomerHistoryRequest::default()
    });
    assert_eq!(fields(refused.unwrap_err()), ["customer"]);
}

#[test]
fn each_of_the_three_is_enough() {
    for (pool, customer, reference) in [
        ("pools/abc", "", ""),
        ("", "customer", ""),
        ("", "", "cart-1"),
    ] {
        let asked = list_claims(&v1::ListClaimsRequest {
            pool: pool.into(),
            customer: customer.into(),
            reference: reference.into(),
            ..v1::ListClaimsRequest::default()
        });
        let filter = asked.unwrap().filter;
        assert_eq!(filter.pool.is_some(), !pool.is_empty());
        assert_eq!(filter.customer.is_some(), !customer.is_empty());
        assert_eq!(filter.reference.is_some(), !reference.is_empty());
        assert_eq!(filter.state, None);
    }
    let asked = list_tickets(&v1::ListTicketsRequest {
        claim: CLAIM.into(),
        ..v1::ListTicketsRequest::default()
    });
    assert_eq!(asked.unwrap().filter.pool.unwrap().as_str(), "abc");
}

#[test]
fn a_claim_of_another_pool_is_refused() {
    let refused = list_tickets(&v1::ListTicketsRequest {
        pool: "pools/abd".into(),
        claim: CLAIM.into(),
        ..v1::ListTicketsRequest::default()
    });
    assert_eq!(fields(refused.unwrap_err()), ["claim"]);
}

#[test]
fn every_violation_of_a_list_is_in_one_answer() {
    let refused = list_claims(&v1::ListClaimsRequest {
        pool: "abc".into(),
        customer: "a b".into(),
        reference: "x".repeat(129),
        state: 6,
        page_size: -1,
        page_token: "x".into(),
        at_least_as_fresh: "x".into(),
    });
    let common = ["state", "page_size", "page_token", "at_least_as_fresh"];
    let expected = [&["pool", "customer", "reference"][..], &common].concat();
    assert_eq!(fields(refused.unwrap_err()), expected);
    let refused = list_tickets(&v1::ListTicketsRequest {
        pool: "abc".into(),
        customer: "a b".into(),
        claim: "pools/abc".into(),
        state: -1,
        page_size: i32::MIN,
        page_token: "x".into(),
        at_least_as_fresh: "x".into(),
    });
    let expected = [&["pool", "customer", "claim"][..], &common].concat();
    assert_eq!(fields(refused.unwrap_err()), expected);
    let refused = customer_history(&v1::GetCustomerHistoryRequest {
        customer: String::new(),
        pool: "abc".into(),
        page_size: -1,
        page_token: "x".into(),
        at_least_as_fresh: "x".into(),
    });
    let expected = [&["customer", "pool"], &common[1..]].concat();
    assert_eq!(fields(refused.unwrap_err()), expected);
}
