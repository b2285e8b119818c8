//! Of what a ticket costs.

use onsale_proto::{Money, name, v1};
use onsale_tests::{
    caller::{
        Caller, a_pool, claim_request, create_request, euros, fixed_price, pricing_request,
        purchase_request,
    },
    system::System,
};

use super::seen;
use crate::shared::{fresh_pool, shared};

fn demand_step((sold_percent, change_basis_points): (u32, i32)) -> v1::DemandStep {
    v1::DemandStep {
        sold_percent,
        change_basis_points,
    }
}

/// 49.99 EUR, 10 % more from half on and twice as much from 90 % on, a tenth less in the last hour.
fn moving() -> v1::Pricing {
    v1::Pricing {
        demand_steps: [(50, 1_000), (90, 10_000)].map(demand_step).into(),
        time_steps: vec![v1::TimeStep {
            before_show: Some(prost_types::Duration {
                seconds: 3_600,
                nanos: 0,
            }),
            change_basis_points: -1_000,
        }],
        ..fixed_price(euros(49, 99))
    }
}

async fn quote(caller: &mut Caller, request: v1::QuotePriceRequest) -> v1::QuotePriceResponse {
    caller
        .queries
        .quote_price(request)
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test]
async fn a_price_change_holds_for_every_claim_after_it_and_for_none_before() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.unwrap();
    let before = caller.claim(&id, "c", 2).await.unwrap();
    assert_eq!(
        (before.unit_price.clone(), before.pricing_version),
        (Some(euros(49, 99)), 1)
    );
    let change = pricing_request(&id, fixed_price(euros(60, 0)));
    let change = caller
        .commands
        .change_pricing(change)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(change.price_preview, []);
    let receipt = change.receipt.clone().unwrap();
    let pool = seen(&system, &mut caller, &id, change.receipt).await.pool;
    assert_eq!(pool.pricing.unwrap().base_price, Some(euros(60, 0)));
    assert_eq!(pool.availability.unwrap().unit_price, Some(euros(60, 0)));
    let asked = v1::QuotePriceRequest {
        pool: name::pool(&id),
        quantity: 3,
        at_least_as_fresh: receipt.consistency_token,
        ..v1::QuotePriceRequest::default()
    };
    let quoted = quote(&mut caller, asked).await;
    assert_eq!(
        (quoted.unit_price, quoted.pricing_version),
        (Some(euros(60, 0)), 2)
    );
    assert_eq!(quoted.total_price, Some(euros(180, 0)));

    let after = caller.claim(&id, "c", 2).await.unwrap();
    assert_eq!(
        (after.unit_price, after.pricing_version),
        (Some(euros(60, 0)), 2)
    );
    assert_eq!(after.total_price, Some(euros(120, 0)));
    let bought = caller.buy(&before.name).await.unwrap().claim.unwrap();
    assert_eq!(
        (bought.unit_price, bought.pricing_version),
        (before.unit_price, 1)
    );
}

/// What the pool, a quote and an order say that a ticket costs; they say the same.
async fn price_now(
    system: &System,
    caller: &mut Caller,
    id: &str,
    receipt: Option<v1::Receipt>,
) -> Option<Money> {
    let asked = v1::QuotePriceRequest {
        pool: name::pool(id),
        at_least_as_fresh: receipt.clone().unwrap().consistency_token,
        ..v1::QuotePriceRequest::default()
    };
    let quoted = quote(caller, asked).await.unit_price;
    let order = v1::PurchaseTicketsRequest {
        validate_only: true,
        ..purchase_request(id, "z", 1)
    };
    let ordered = caller.commands.purchase_tickets(order).await.unwrap();
    let shown = seen(system, caller, id, receipt).await.pool.availability;
    assert_eq!(shown.unwrap().unit_price, quoted);
    assert_eq!(ordered.into_inner().claim.unwrap().unit_price, quoted);
    quoted
}

#[tokio::test]
async fn the_price_moves_with_what_is_sold_and_everybody_names_the_same() {
    let system = shared().await;
    let mut caller = system.caller().await;
    for (basis, prices) in [
        (
            v1::DemandBasis::Sold,
            [(49, 99), (49, 99), (54, 99), (99, 98)],
        ),
        (
            v1::DemandBasis::Committed,
            [(49, 99), (54, 99), (54, 99), (99, 98)],
        ),
    ] {
        let id = fresh_pool();
        let pool = v1::Pool {
            pricing: Some(v1::Pricing {
                demand_basis: basis.into(),
                time_steps: Vec::new(),
                ..moving()
            }),
            ..a_pool(10)
        };
        caller.create(&id, pool).await.unwrap();
        let first = caller.claim(&id, "a", 4).await.unwrap();
        let fifth = caller.commands.claim_tickets(claim_request(&id, "a", 1));
        let fifth = fifth.await.unwrap().into_inner();
        let mut costs = vec![first.unit_price];
        costs.push(price_now(&system, &mut caller, &id, fifth.receipt).await);
        caller.buy(&first.name).await.unwrap();
        let bought = caller.buy(&fifth.claim.unwrap().name).await.unwrap();
        costs.push(price_now(&system, &mut caller, &id, bought.receipt).await);
        let sold = caller.purchase(&id, "b", 4).await.unwrap();
        costs.push(price_now(&system, &mut caller, &id, sold.receipt).await);
        let expected = prices.map(|(units, cents)| Some(euros(units, cents)));
        assert_eq!(costs, expected, "{basis:?}");
    }
}

/// The points as a quote has them: number sold, seconds, price.
fn points(preview: &[v1::PricePoint]) -> Vec<(i64, i64, Option<Money>)> {
    let point = |point: &v1::PricePoint| {
        let seconds = point.quote_time.unwrap().seconds;
        (point.sold, seconds, point.unit_price.clone())
    };
    preview.iter().map(point).collect()
}

#[tokio::test]
async fn a_promoter_sees_the_prices_before_he_sets_them_and_a_quote_says_the_same_after() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let show_time = Some(prost_types::Timestamp {
        seconds: 4_000_000_000,
        nanos: 0,
    });
    let mut create = create_request(
        &id,
        v1::Pool {
            pricing: Some(moving()),
            show_time,
            ..a_pool(10)
        },
    );
    create.validate_only = true;
    let looked = caller.commands.create_pool(create.clone()).await.unwrap();
    let looked = looked.into_inner().price_preview;
    create.validate_only = false;
    let created = caller
        .commands
        .create_pool(create)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(created.price_preview, []);

    let price = |sold, time: i64| {
        let found = looked
            .iter()
            .find(|point| point.sold == sold && point.quote_time.unwrap().seconds >= time);
        found.unwrap().unit_price.clone()
    };
    assert_eq!(price(0, 0), Some(euros(49, 99)));
    assert_eq!(price(5, 0), Some(euros(54, 99)));
    assert_eq!(price(9, 0), Some(euros(99, 98)));
    assert_eq!(price(0, 4_000_000_000 - 3_600), Some(euros(44, 99)));

    let mut sold: Vec<_> = looked.iter().map(|point| point.sold).collect();
    sold.dedup();
    assert_eq!(sold, (0..10).collect::<Vec<_>>());
    let times = looked.iter().take_while(|point| point.sold == 0);
    let times: Vec<_> = times.map(|point| point.quote_time.unwrap()).collect();
    let asked = v1::QuotePriceRequest {
        pool: name::pool(&id),
        preview_sold: sold,
        preview_times: times,
        at_least_as_fresh: created.receipt.unwrap().consistency_token,
        ..v1::QuotePriceRequest::default()
    };
    let quoted = quote(&mut caller, asked.clone()).await;
    assert_eq!(points(&quoted.preview), points(&looked));

    let mut change = pricing_request(&id, fixed_price(euros(70, 0)));
    change.validate_only = true;
    let looked = caller.commands.change_pricing(change).await.unwrap();
    let looked = looked.into_inner().price_preview;
    assert!(looked.len() >= 10);
    let all = looked
        .iter()
        .all(|point| point.unit_price == Some(euros(70, 0)));
    assert!(all, "{looked:?}");
    assert_eq!(quote(&mut caller, asked).await.preview, quoted.preview);
}
