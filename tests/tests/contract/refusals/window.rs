//! When a pool sells: not yet, and no more.

use onsale_proto::{name, reason::Reason, v1};
use onsale_tests::caller::{
    Caller, a_pool, extend_request, fixed_price, grant_request, pricing_request, reschedule_request,
};
use tonic::Status;

use crate::{
    log,
    refused::{refused, time_text, violates},
    shop::{fresh_pool, shared},
    times::seconds,
};

const HOUR: i64 = 60 * 60;

async fn orders(caller: &mut Caller, pool: &str) -> [Result<(), Status>; 2] {
    [
        caller.claim(pool, "c", 1).await.map(drop),
        caller.purchase(pool, "c", 1).await.map(drop),
    ]
}

#[tokio::test]
async fn before_the_sale_begins_an_order_is_told_when_it_does() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    let opens = v1::Pool {
        sales_start_time: log::from_now(&shop.database, HOUR).await,
        sales_end_time: log::from_now(&shop.database, 2 * HOUR).await,
        ..a_pool(10)
    };
    let sales_start_time = time_text(opens.sales_start_time);
    caller.create(&id, opens).await.expect("a new name");
    let expected = [
        ("pool", pool.as_str()),
        ("sales_start_time", &sales_start_time),
    ];
    for answer in orders(&mut caller, &id).await {
        refused(answer, Reason::SalesNotOpen, &expected).unless(&pool);
    }
    let granted = caller.commands.grant_tickets(grant_request(&id, "c", 1));
    granted.await.expect("a grant needs no open sale");

    let at_once = caller.commands.reschedule_pool(reschedule_request(&id));
    at_once.await.expect("all times are unset");
    for answer in orders(&mut caller, &id).await {
        answer.expect("it sells");
    }
}

#[tokio::test]
async fn after_the_end_of_sales_an_order_is_told_so_and_live_claims_are_finished() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    caller.create_pool(&id, 10).await.expect("a new name");
    let held = caller.claim(&id, "c", 1).await.expect("it sells");
    let ends = v1::ReschedulePoolRequest {
        sales_end_time: log::from_now(&shop.database, 1).await,
        ..reschedule_request(&id)
    };
    let (end, sales_end_time) = (ends.sales_end_time, time_text(ends.sales_end_time));
    let rescheduled = caller.commands.reschedule_pool(ends).await;
    rescheduled.expect("a second from now");
    caller
        .claim(&id, "c", 1)
        .await
        .expect("it sells until then");
    log::wait_until(&shop.database, end).await;

    let expected = [("pool", pool.as_str()), ("sales_end_time", &sales_end_time)];
    for answer in orders(&mut caller, &id).await {
        refused(answer, Reason::SalesEnded, &expected).unless(&pool);
    }
    let extended = caller.commands.extend_claim(extend_request(&held.name));
    extended.await.expect("a live claim is extended");
    caller.buy(&held.name).await.expect("and bought");
    let granted = caller.commands.grant_tickets(grant_request(&id, "c", 1));
    granted.await.expect("a grant needs no open sale");
}

#[tokio::test]
async fn a_price_that_follows_the_time_to_the_show_needs_a_show_time() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let follows_time = v1::Pricing {
        time_steps: vec![v1::TimeStep {
            before_show: seconds(HOUR),
            change_basis_points: -500,
        }],
        ..a_pool(10).pricing.expect("a price")
    };
    caller.create_pool(&id, 10).await.expect("a new name");
    let change = pricing_request(&id, follows_time.clone());
    let answer = caller.commands.change_pricing(change).await;
    violates(answer, &["pricing.time_steps"]);

    let show = v1::ReschedulePoolRequest {
        show_time: log::from_now(&shop.database, 48 * HOUR).await,
        ..reschedule_request(&id)
    };
    caller.commands.reschedule_pool(show).await.expect("a show");
    let change = pricing_request(&id, follows_time);
    caller
        .commands
        .change_pricing(change)
        .await
        .expect("a rule");
    let no_show = reschedule_request(&id);
    let answer = caller.commands.reschedule_pool(no_show.clone()).await;
    violates(answer, &["show_time"]);

    let fixed = pricing_request(&id, fixed_price(onsale_tests::caller::euros(1, 0)));
    caller.commands.change_pricing(fixed).await.expect("a rule");
    let rescheduled = caller.commands.reschedule_pool(no_show).await;
    rescheduled.expect("no price follows it any more");
}
