//! What pools were, and what their tickets cost.

mod as_of;
mod prices;

use onsale_proto::{name, v1};
use onsale_tests::caller::Caller;
use tonic::Status;

async fn price_changes(
    caller: &mut Caller,
    request: v1::ListPriceChangesRequest,
) -> Result<v1::ListPriceChangesResponse, Status> {
    Ok(caller
        .queries
        .list_price_changes(request)
        .await?
        .into_inner())
}

fn prices_of(pool: &str, token: &str) -> v1::ListPriceChangesRequest {
    v1::ListPriceChangesRequest {
        pool: name::pool(pool),
        at_least_as_fresh: token.to_owned(),
        ..v1::ListPriceChangesRequest::default()
    }
}

async fn pool_as_of(
    caller: &mut Caller,
    pool: &str,
    as_of: v1::get_pool_as_of_request::AsOf,
    token: &str,
) -> Result<v1::GetPoolAsOfResponse, Status> {
    let request = v1::GetPoolAsOfRequest {
        pool: name::pool(pool),
        as_of: Some(as_of),
        at_least_as_fresh: token.to_owned(),
    };
    Ok(caller.queries.get_pool_as_of(request).await?.into_inner())
}
