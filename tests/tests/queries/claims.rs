//! What is read of claims, tickets and customers: stories of all commands, pages, what contradicts, and the log told a
//! second time.

mod contradictions;
mod fold;
mod pages;
mod random;
mod stories;
mod time;

use onsale_proto::v1;
use onsale_tests::caller::Caller;
use tonic::Status;

/// A claim with its tickets, as a receipt's reader sees it.
async fn claim(
    caller: &Caller,
    name: &str,
    receipt: Option<&v1::Receipt>,
) -> Result<v1::ClaimRecord, Status> {
    let request = v1::GetClaimRequest {
        name: name.to_owned(),
        at_least_as_fresh: token(receipt),
    };
    let answer = caller.queries.clone().get_claim(request).await?;
    Ok(answer.into_inner().claim.expect("a claim"))
}

/// All entries of a customer's story.
async fn story(
    caller: &Caller,
    customer: &str,
    receipt: Option<&v1::Receipt>,
) -> Vec<v1::CustomerEntry> {
    let request = v1::GetCustomerHistoryRequest {
        customer: customer.to_owned(),
        page_size: 500,
        at_least_as_fresh: token(receipt),
        ..v1::GetCustomerHistoryRequest::default()
    };
    let answer = caller.queries.clone().get_customer_history(request).await;
    let answer = answer.expect("a story").into_inner();
    assert_eq!(answer.next_page_token, "");
    answer.entries
}

fn token(receipt: Option<&v1::Receipt>) -> String {
    let token = receipt.map(|receipt| receipt.consistency_token.clone());
    token.unwrap_or_default()
}

const fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

/// A customer whom no other test has.
fn fresh_customer() -> String {
    format!("c-{}", uuid::Uuid::new_v4().simple())
}
