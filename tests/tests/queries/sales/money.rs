//! Money adds up.

use std::collections::BTreeMap;

use onsale_proto::v1;
use onsale_tests::{
    caller::{
        a_pool, capacity_request, euros, fixed_price, grant_request, pricing_request,
        refund_request,
    },
    system::System,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::{AssertSqlSafe, Row as _};

use super::{FIXED, Short, bucketed, export::exported, of_pool, report, short};
use crate::{
    shared::{fresh_pool, shared},
    story::Story,
};

/// What the log says of a pool, by price in cents: an SQL of its own, that shares no code with the projection.
const FOLD: &str = "
    SELECT (data ->> 'unit_price')::bigint AS price, coalesce((data ->> 'granted')::boolean, false) AS granted,
           count(*) FILTER (WHERE type = 'TicketBought') AS bought,
           count(*) FILTER (WHERE type = 'TicketRefunded') AS refunded
      FROM onsale_log.events
     WHERE type IN ('TicketBought', 'TicketRefunded') AND stream = 'pools/";

#[tokio::test]
async fn reports_and_tables_add_up_to_what_the_log_says_whatever_happens() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let pricing = v1::Pricing {
        demand_steps: (1..=20)
            .map(|step| v1::DemandStep {
                sold_percent: step * 5,
                change_basis_points: i32::try_from(step * 700).unwrap(),
            })
            .collect(),
        ..fixed_price(euros(49, 99))
    };
    let pool = v1::Pool {
        pricing: Some(pricing.clone()),
        ..a_pool(100)
    };
    caller.create(&id, pool).await.unwrap();
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut tickets = Vec::new();
    let mut token = String::new();
    for step in 0..120_u32 {
        let receipt = match random.random_range(0..100_u32) {
            0..55 => {
                let bought = caller.purchase(&id, "c", random.random_range(1..=3)).await;
                let Ok(bought) = bought else { continue };
                tickets.extend(bought.claim.unwrap_or_default().tickets);
                bought.receipt
            }
            55..85 if !tickets.is_empty() => {
                let ticket = tickets.swap_remove(random.random_range(0..tickets.len()));
                let refund = caller
                    .commands
                    .refund_tickets(refund_request(&[ticket]))
                    .await;
                refund.unwrap().into_inner().receipt
            }
            85..92 => {
                let grant = caller
                    .commands
                    .grant_tickets(grant_request(&id, "g", 2))
                    .await;
                let Ok(grant) = grant else { continue };
                let grant = grant.into_inner();
                tickets.extend(grant.claim.unwrap_or_default().tickets);
                grant.receipt
            }
            92..96 => {
                let more = capacity_request(&id, 100 + i64::from(step));
                let more = caller.commands.change_capacity(more).await;
                more.unwrap().into_inner().receipt
            }
            _ => {
                let base_price = Some(euros(random.random_range(1..90), 50));
                let changed = v1::Pricing {
                    base_price,
                    ..pricing.clone()
                };
                let change = pricing_request(&id, changed);
                let change = caller.commands.change_pricing(change).await;
                change.unwrap().into_inner().receipt
            }
        };
        token = receipt.unwrap().consistency_token;
    }

    let mut expected: BTreeMap<i64, Short> = BTreeMap::new();
    let (mut granted, mut refunded_granted) = (0, 0);
    let mut admin = system.database.admin().await;
    let rows = sqlx::query(AssertSqlSafe(format!("{FOLD}{id}' GROUP BY 1, 2")))
        .fetch_all(&mut admin)
        .await
        .unwrap();
    for row in rows {
        let (price, bought, refunded): (i64, i64, i64) = (row.get(0), row.get(2), row.get(3));
        let sums = expected.entry(price).or_default();
        if row.get("granted") {
            granted += bought;
            refunded_granted += refunded;
        } else {
            sums.0 += bought;
            sums.1 += refunded;
        }
        sums.2 += bought * price;
        sums.3 += refunded * price;
    }
    assert!(expected.len() > 5, "the price hardly moved: {expected:?}");
    assert!(
        expected.values().any(|sums| sums.3 > 0),
        "nothing was refunded"
    );

    let report = report(&mut caller, of_pool(&id), true, &token)
        .await
        .unwrap();
    let bucket = &report.buckets[0];
    let by_price: BTreeMap<_, _> = bucket
        .prices
        .iter()
        .map(|price| {
            (
                super::cents(price.unit_price.as_ref()),
                short(price.sums.as_ref().unwrap()),
            )
        })
        .collect();
    assert_eq!(by_price, expected);
    let total = expected.values().fold(Short::default(), |sum, more| {
        (
            sum.0 + more.0,
            sum.1 + more.1,
            sum.2 + more.2,
            sum.3 + more.3,
        )
    });
    let sums = &report.totals[0];
    assert_eq!(short(sums), total);
    assert_eq!(
        (sums.granted_tickets, sums.refunded_granted_tickets),
        (granted, refunded_granted)
    );
    assert_eq!(bucket.sums.as_ref(), Some(sums));

    // The table says the same, minute by minute.
    let table = exported(&mut caller, of_pool(&id), &token).await;
    let sum = |column: &str| table.iter().map(|line| line.cents(column)).sum::<i64>();
    assert_eq!((sum("revenue"), sum("refunds")), (total.2, total.3));
    assert_eq!(
        table.iter().map(|line| line.number("tickets")).sum::<i64>(),
        total.0
    );
}

#[tokio::test]
async fn a_price_below_zero_in_the_log_is_told_as_it_is() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    let id = "below".to_owned();
    let mut story = Story::of(&id, 10, FIXED, "");
    story.sale(1, -5).sale(2, -5).sale(3, 1_000).refund(4, 1);
    let token = story.record(&system.database).await;
    let selection = of_pool(&id);
    let told = report(&mut caller, selection.clone(), true, &token).await;
    let told = told.expect("a report");
    let total = told.totals[0].revenue.as_ref().expect("an amount");
    assert_eq!((total.units, total.nanos), (9, 900_000_000));
    let prices = &told.buckets[0].prices;
    let price = prices[0].unit_price.as_ref().expect("a price");
    assert_eq!((price.units, price.nanos), (0, -50_000_000));
    assert_eq!(
        short(prices[0].sums.as_ref().expect("sums")),
        (2, 1, -10, -5)
    );
    let selection = bucketed(selection, [0, 60], 60);
    let lines = exported(&mut caller, selection, &token).await;
    let line = ["unit_price", "revenue", "refunds"].map(|column| lines[0].text(column));
    assert_eq!(line, ["-0.05", "-0.10", "-0.05"]);
}
