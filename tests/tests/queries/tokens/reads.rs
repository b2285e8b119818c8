//! Every read that takes a token, and what it must show of a [`Sale`] if the token names its last event.

use futures::{FutureExt as _, future::BoxFuture, future::join_all};
use onsale_proto::v1::{
    self, get_pool_as_of_request::AsOf, query_service_client::QueryServiceClient,
};
use tonic::transport::Channel;

use super::{
    PROJECTIONS,
    sale::{Sale, TICKETS},
};
use crate::{reader::position, sales::of_pool};

type Queries = QueryServiceClient<Channel>;

/// Longer than what a test tells.
const PAGE_SIZE: i32 = 1_000;

/// Asks every read at once, with `token`, each over a client that `queries` gives; each shows the sale as it is. The
/// newest of the tokens that they answer with.
pub(super) async fn every_read(queries: impl Fn() -> Queries, sale: &Sale, token: &str) -> String {
    let asked: [BoxFuture<'_, String>; 15] = [
        get_pool(queries(), sale, token).boxed(),
        list_pools(queries(), sale, token).boxed(),
        get_availability(queries(), sale, token).boxed(),
        watch_availability(queries(), sale, token).boxed(),
        quote_price(queries(), sale, token).boxed(),
        get_claim(queries(), sale, token).boxed(),
        list_claims(queries(), sale, token).boxed(),
        list_tickets(queries(), sale, token).boxed(),
        get_customer_history(queries(), sale, token).boxed(),
        list_price_changes(queries(), sale, token).boxed(),
        get_sales_report(queries(), sale, token).boxed(),
        export_sales_report(queries(), sale, token).boxed(),
        get_pool_as_of(queries(), sale, token).boxed(),
        get_projections(queries(), token).boxed(),
        read_events(queries(), queries(), sale, token).boxed(),
    ];
    let tokens = join_all(asked).await;
    let oldest = tokens.iter().map(|answer| position(answer)).min();
    assert!(oldest >= Some(position(token)), "{tokens:?} after {token}");
    let newest = tokens.into_iter().max_by_key(|answer| position(answer));
    newest.unwrap_or_default()
}

async fn get_pool(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::GetPoolRequest {
        name: sale.pool_name(),
        at_least_as_fresh: token.to_owned(),
    };
    let answer = queries.get_pool(request).await.unwrap().into_inner();
    assert_eq!(answer.pool.unwrap().etag, sale.version.to_string());
    answer.consistency_token
}

async fn list_pools(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::ListPoolsRequest {
        promoter: sale.promoter.clone(),
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    };
    let answer = queries.list_pools(request).await.unwrap().into_inner();
    let etags: Vec<_> = answer.pools.into_iter().map(|pool| pool.etag).collect();
    assert_eq!(etags, [sale.version.to_string()], "ListPools");
    answer.consistency_token
}

async fn get_availability(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::GetAvailabilityRequest {
        pool: sale.pool_name(),
        at_least_as_fresh: token.to_owned(),
    };
    let answer = queries.get_availability(request).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(answer.availability.unwrap().version, sale.version);
    answer.consistency_token
}

async fn watch_availability(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::WatchAvailabilityRequest {
        pools: vec![sale.pool_name()],
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    };
    let stream = queries.watch_availability(request).await;
    let first = stream.unwrap().into_inner().message().await;
    let first = first.unwrap().unwrap();
    assert_eq!(first.availability.unwrap().version, sale.version);
    first.consistency_token
}

async fn quote_price(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::QuotePriceRequest {
        pool: sale.pool_name(),
        quantity: 1,
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    };
    let answer = queries.quote_price(request).await.unwrap().into_inner();
    assert_eq!(answer.unit_price.unwrap().units, sale.price, "QuotePrice");
    answer.consistency_token
}

async fn get_claim(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::GetClaimRequest {
        name: sale.claim.clone(),
        at_least_as_fresh: token.to_owned(),
    };
    let answer = queries.get_claim(request).await.unwrap().into_inner();
    assert_eq!(answer.claim.unwrap().bought, TICKETS);
    answer.consistency_token
}

async fn list_claims(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::ListClaimsRequest {
        customer: sale.customer.clone(),
        state: v1::ClaimState::Bought.into(),
        page_size: PAGE_SIZE,
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    };
    let answer = queries.list_claims(request).await.unwrap().into_inner();
    assert_eq!(i64::try_from(answer.claims.len()), Ok(sale.rounds));
    answer.consistency_token
}

async fn list_tickets(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::ListTicketsRequest {
        customer: sale.customer.clone(),
        state: v1::TicketState::Bought.into(),
        page_size: PAGE_SIZE,
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    };
    let answer = queries.list_tickets(request).await.unwrap().into_inner();
    assert_eq!(i64::try_from(answer.tickets.len()), Ok(sale.tickets()));
    answer.consistency_token
}

async fn get_customer_history(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::GetCustomerHistoryRequest {
        customer: sale.customer.clone(),
        page_size: PAGE_SIZE,
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    };
    let answer = queries.get_customer_history(request).await;
    let answer = answer.unwrap().into_inner();
    // Each ticket was claimed and bought.
    assert_eq!(i64::try_from(answer.entries.len()), Ok(2 * sale.tickets()));
    answer.consistency_token
}

async fn list_price_changes(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::ListPriceChangesRequest {
        pool: sale.pool_name(),
        page_size: PAGE_SIZE,
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    };
    let answer = queries.list_price_changes(request).await;
    let answer = answer.unwrap().into_inner();
    let prices = answer.price_changes.iter();
    let dearest = prices.filter_map(|change| Some(change.new_unit_price.as_ref()?.units));
    assert_eq!(dearest.max(), Some(sale.price), "ListPriceChanges");
    answer.consistency_token
}

async fn get_sales_report(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::GetSalesReportRequest {
        selection: Some(of_pool(&sale.pool)),
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    };
    let answer = queries.get_sales_report(request).await;
    let answer = answer.unwrap().into_inner();
    let sold = answer.totals.iter().map(|sums| sums.tickets).sum::<i64>();
    assert_eq!(sold, sale.tickets(), "GetSalesReport");
    answer.consistency_token
}

async fn export_sales_report(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::ExportSalesReportRequest {
        selection: Some(of_pool(&sale.pool)),
        at_least_as_fresh: token.to_owned(),
    };
    let stream = queries.export_sales_report(request).await;
    let (mut stream, mut table, mut included) =
        (stream.unwrap().into_inner(), String::new(), String::new());
    while let Some(piece) = stream.message().await.unwrap() {
        table.push_str(&piece.csv);
        included = piece.consistency_token;
    }
    // Each round had a price of its own, and so has a line, after one of headings.
    let lines = table.lines().count() - 1;
    assert_eq!(i64::try_from(lines), Ok(sale.rounds), "{table}");
    included
}

async fn get_pool_as_of(mut queries: Queries, sale: &Sale, token: &str) -> String {
    let request = v1::GetPoolAsOfRequest {
        pool: sale.pool_name(),
        as_of: Some(AsOf::Version(sale.version)),
        at_least_as_fresh: token.to_owned(),
    };
    let answer = queries.get_pool_as_of(request).await.unwrap().into_inner();
    assert_eq!(answer.pool.unwrap().etag, sale.version.to_string());
    answer.consistency_token
}

async fn get_projections(mut queries: Queries, token: &str) -> String {
    let request = v1::GetProjectionsRequest {
        at_least_as_fresh: token.to_owned(),
    };
    let answer = queries.get_projections(request).await.unwrap().into_inner();
    assert!(answer.head_position >= position(token));
    let told = answer.projections.iter().map(|of| of.name.as_str());
    assert!(
        PROJECTIONS
            .iter()
            .all(|of| told.clone().any(|name| name == *of))
    );
    answer.consistency_token
}

/// And how the newest event came about, by whoever is asked next.
async fn read_events(
    mut queries: Queries,
    mut others: Queries,
    sale: &Sale,
    token: &str,
) -> String {
    let request = v1::ReadEventsRequest {
        pool: sale.pool_name(),
        newest_first: true,
        page_size: 1,
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    };
    let answer = queries.read_events(request).await.unwrap().into_inner();
    let newest = &answer.events[0];
    assert_eq!(
        (newest.version, &*newest.r#type),
        (sale.version, "PricingChanged")
    );
    let request = v1::TraceEventRequest {
        event_id: newest.event_id.clone(),
        at_least_as_fresh: answer.consistency_token,
    };
    let traced = others.trace_event(request).await.unwrap().into_inner();
    assert_eq!(traced.event.unwrap().version, sale.version);
    traced.consistency_token
}
