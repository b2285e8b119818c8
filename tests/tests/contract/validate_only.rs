//! `validate_only` decides and answers as the command would, and records nothing: the same request then works for real.

use onsale_proto::{name, reason::Reason, v1};
use onsale_tests::caller::{
    a_pool, buy_request, cancel_request, capacity_request, claim_request, create_request, euros,
    extend_request, fixed_price, grant_request, limits_request, pricing_request, purchase_request,
    refund_request, release_request, reschedule_request, resume_request, stop_request,
};

use crate::{
    log,
    refused::refused,
    shop::{fresh_pool, shared},
};

/// Sends a request to be validated, and then for real. Gives both answers; nothing may be recorded in between.
macro_rules! first_validated {
    ($shop:expr, $caller:expr, $pool:expr, $rpc:ident, $request:expr) => {{
        let before = log::events(&$shop.database, $pool).await.len();
        let mut request = $request;
        request.validate_only = true;
        let validated = $caller.commands.$rpc(request.clone()).await;
        let validated = validated.expect("it would be accepted").into_inner();
        assert_eq!(log::events(&$shop.database, $pool).await.len(), before);
        let receipt = validated.receipt.clone().expect("a receipt");
        assert_eq!(
            (receipt.position, receipt.version),
            (0, i64::try_from(before).expect("a small number")),
            "the version is the one that it was decided on"
        );
        request.validate_only = false;
        let real = $caller.commands.$rpc(request.clone()).await;
        let real = real.expect("the same request for real").into_inner();
        assert!(log::recorded(&$shop.database, &request.request_id).await > 0);
        assert!(
            real.receipt
                .as_ref()
                .is_some_and(|receipt| receipt.position > 0)
        );
        (validated, real)
    }};
}

/// The claim as it would be: its names and times are not those of the real one.
#[track_caller]
fn alike(validated: Option<v1::Claim>, real: Option<v1::Claim>) {
    let same = |claim: Option<v1::Claim>| {
        let claim = claim.expect("a claim");
        let states: Vec<_> = claim.tickets.iter().map(v1::Ticket::state).collect();
        let state = claim.state();
        let prices = (claim.unit_price, claim.total_price);
        (
            claim.customer,
            claim.reference,
            claim.labels,
            state,
            prices,
            states,
        )
    };
    assert_eq!(same(validated), same(real));
}

#[tokio::test]
async fn every_command_can_be_validated_first_and_then_sent_for_real() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let (validated, real) = first_validated!(
        shop,
        caller,
        &id,
        create_pool,
        create_request(&id, a_pool(10))
    );
    assert_eq!(validated.name, real.name);

    let order = v1::ClaimTicketsRequest {
        reference: "cart-7".into(),
        labels: [("channel".to_owned(), "web".to_owned())].into(),
        ..claim_request(&id, "c", 3)
    };
    let (validated, real) = first_validated!(shop, caller, &id, claim_tickets, order);
    let claim = real.claim.clone().expect("a claim");
    let imagined = validated.claim.clone().expect("a claim");
    alike(validated.claim, real.claim);
    let answer = caller.buy(&imagined.name).await;
    refused(answer, Reason::ClaimNotFound, &[("claim", &imagined.name)]);

    let some = v1::BuyTicketsRequest {
        tickets: vec![claim.tickets[0].name.clone()],
        ..buy_request(&claim.name)
    };
    let (validated, real) = first_validated!(shop, caller, &id, buy_tickets, some);
    assert_eq!(validated.claim, real.claim);
    let (validated, real) = first_validated!(
        shop,
        caller,
        &id,
        release_tickets,
        release_request(&claim.name)
    );
    assert_eq!(validated.claim, real.claim);
    let (validated, real) = first_validated!(
        shop,
        caller,
        &id,
        purchase_tickets,
        purchase_request(&id, "d", 2)
    );
    alike(validated.claim, real.claim);
    for mode in [v1::StopMode::FinishClaims, v1::StopMode::VoidClaims] {
        first_validated!(shop, caller, &id, stop_sales, stop_request(&id, mode));
    }
    first_validated!(shop, caller, &id, resume_sales, resume_request(&id));
}

#[tokio::test]
async fn every_edit_can_be_validated_first_and_then_made_for_real() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let claim = caller.claim(&id, "c", 2).await.expect("places").name;
    let (validated, real) =
        first_validated!(shop, caller, &id, extend_claim, extend_request(&claim));
    alike(validated.claim, real.claim);
    let (validated, real) =
        first_validated!(shop, caller, &id, grant_tickets, grant_request(&id, "c", 2));
    alike(validated.claim, real.claim.clone());
    let refund = refund_request(&real.claim.expect("a claim").tickets);
    first_validated!(shop, caller, &id, refund_tickets, refund);
    let price = pricing_request(&id, fixed_price(euros(60, 0)));
    let (validated, real) = first_validated!(shop, caller, &id, change_pricing, price);
    assert!(!validated.price_preview.is_empty() && real.price_preview.is_empty());
    let capacity = capacity_request(&id, 20);
    first_validated!(shop, caller, &id, change_capacity, capacity);
    let times = reschedule_request(&id);
    first_validated!(shop, caller, &id, reschedule_pool, times);
    first_validated!(shop, caller, &id, change_limits, limits_request(&id));
    first_validated!(shop, caller, &id, cancel_pool, cancel_request(&id));
}

#[tokio::test]
async fn what_would_be_refused_is_refused_and_the_request_id_stays_free() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    let mut order = v1::ClaimTicketsRequest {
        validate_only: true,
        ..claim_request(&id, "c", 1)
    };
    let answer = caller.commands.claim_tickets(order.clone()).await;
    refused(answer, Reason::PoolNotFound, &[("pool", &pool)]);
    caller.create_pool(&id, 10).await.expect("a new name");
    caller
        .commands
        .claim_tickets(order.clone())
        .await
        .expect("it would be accepted");
    // Not remembered, so other content of the same id is no reuse.
    order.quantity = 2;
    order.validate_only = false;
    let claimed = caller
        .commands
        .claim_tickets(order.clone())
        .await
        .expect("places")
        .into_inner();
    assert_eq!(claimed.claim.expect("a claim").tickets.len(), 2);
    // What was recorded is known, whoever only wants to validate.
    order.validate_only = true;
    let known = caller
        .commands
        .claim_tickets(order.clone())
        .await
        .expect("a repeat")
        .into_inner();
    assert_eq!(known.receipt, claimed.receipt);
    order.quantity = 3;
    let answer = caller.commands.claim_tickets(order.clone()).await;
    refused(
        answer,
        Reason::RequestIdReused,
        &[("request_id", &order.request_id)],
    );
}

#[tokio::test]
async fn validated_orders_leave_no_trace_in_what_is_decided_after_them() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 4).await.expect("a new name");
    let validating = (0..20).map(|i| {
        let mut commands = caller.commands.clone();
        let order = v1::PurchaseTicketsRequest {
            validate_only: true,
            ..purchase_request(&id, &format!("c{i}"), 4)
        };
        async move { commands.purchase_tickets(order).await }
    });
    for answer in futures::future::join_all(validating).await {
        let claim = answer.expect("each would be accepted").into_inner().claim;
        assert_eq!(claim.expect("a claim").state(), v1::ClaimState::Bought);
    }
    caller
        .purchase(&id, "d", 4)
        .await
        .expect("all places are there");
    assert_eq!(log::events(&shop.database, &id).await.len(), 9);
}
