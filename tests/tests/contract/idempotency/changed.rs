//! One field of a request is not what it was: another command, which its id does not belong to.

use onsale_proto::{Money, name, reason::Reason, v1};
use onsale_tests::caller::{
    Caller, a_pool, buy_request, cancel_request, claim_request, create_request, euros,
    extend_request, grant_request, purchase_request, release_request, resume_request, stop_request,
};
use prost_types::Duration;

use super::{Change, reused_by};
use crate::{
    log,
    refused::refused,
    shop::{fresh_pool, shared},
};

const fn pool(request: &mut v1::CreatePoolRequest) -> &mut v1::Pool {
    request.pool.as_mut().expect("a pool")
}

fn price(request: &mut v1::CreatePoolRequest) -> &mut Money {
    let pricing = pool(request).pricing.as_mut().expect("pricing");
    pricing.base_price.as_mut().expect("a price")
}

fn labels() -> std::collections::BTreeMap<String, String> {
    [("channel".to_owned(), "web".to_owned())].into()
}

const OF_CLAIM: &[Change<v1::ClaimTicketsRequest>] = &[
    ("customer", |r| r.customer.push('x')),
    ("quantity", |r| r.quantity += 1),
    ("max_unit_price", |r| r.max_unit_price = None),
    ("max_unit_price: units", |r| {
        r.max_unit_price = Some(euros(51, 0));
    }),
    ("reference", |r| r.reference.clear()),
    ("labels", |r| r.labels.clear()),
];

const OF_PURCHASE: &[Change<v1::PurchaseTicketsRequest>] = &[
    ("customer", |r| r.customer.push('x')),
    ("quantity", |r| r.quantity += 1),
    ("max_unit_price", |r| r.max_unit_price = None),
    ("reference", |r| r.reference.clear()),
    ("labels", |r| r.labels.clear()),
    ("payment_reference", |r| r.payment_reference.clear()),
];

#[tokio::test]
async fn every_field_of_every_command_is_part_of_what_a_request_id_names() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let large_orders = v1::Pool {
        max_tickets_per_order: 10,
        ..a_pool(100)
    };
    caller.create(&id, large_orders).await.expect("a new name");
    let order = v1::ClaimTicketsRequest {
        max_unit_price: Some(euros(50, 0)),
        reference: "cart-1".into(),
        labels: labels(),
        ..claim_request(&id, "c", 5)
    };
    let claimed = reused_by!(caller, claim_tickets, order, OF_CLAIM);
    let purchase = v1::PurchaseTicketsRequest {
        max_unit_price: Some(euros(50, 0)),
        reference: "cart-1".into(),
        labels: labels(),
        payment_reference: "payment-1".into(),
        ..purchase_request(&id, "c", 5)
    };
    reused_by!(caller, purchase_tickets, purchase, OF_PURCHASE);

    let claim = claimed.claim.expect("a claim");
    let other = caller.claim(&id, "d", 5).await.expect("places");
    let ticket = |i: usize| claim.tickets[i].name.clone();
    let buy = v1::BuyTicketsRequest {
        tickets: vec![ticket(0), ticket(1)],
        payment_reference: "payment-2".into(),
        ..buy_request(&claim.name)
    };
    type ChangeBuy<'a> = (&'a str, Box<dyn Fn(&mut v1::BuyTicketsRequest) + 'a>);
    let of_buy: Vec<ChangeBuy<'_>> = vec![
        ("claim", Box::new(|r| r.claim.clone_from(&other.name))),
        ("tickets: fewer", Box::new(|r| drop(r.tickets.pop()))),
        ("tickets: none", Box::new(|r| r.tickets.clear())),
        ("tickets: another", Box::new(|r| r.tickets[1] = ticket(2))),
        (
            "payment_reference",
            Box::new(|r| r.payment_reference.clear()),
        ),
        ("reclaim", Box::new(|r| r.reclaim = true)),
    ];
    reused_by!(caller, buy_tickets, buy, of_buy);
    let release = v1::ReleaseTicketsRequest {
        tickets: vec![ticket(2), ticket(3)],
        ..release_request(&claim.name)
    };
    type ChangeRelease<'a> = (&'a str, Box<dyn Fn(&mut v1::ReleaseTicketsRequest) + 'a>);
    let of_release: Vec<ChangeRelease<'_>> = vec![
        ("claim", Box::new(|r| r.claim.clone_from(&other.name))),
        ("tickets: fewer", Box::new(|r| drop(r.tickets.pop()))),
        ("tickets: none", Box::new(|r| r.tickets.clear())),
        ("tickets: another", Box::new(|r| r.tickets[1] = ticket(4))),
    ];
    reused_by!(caller, release_tickets, release, of_release);
    // Created; claimed 5, purchased 5, claimed 5; bought 2, released 2.
    assert_eq!(
        log::events(&shop.database, &id).await.len(),
        1 + 5 + 10 + 5 + 2 + 2
    );
}

#[tokio::test]
async fn what_means_the_same_is_the_same_command() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let create = create_request(&id, a_pool(100));
    let created = caller
        .commands
        .create_pool(create.clone())
        .await
        .expect("a new name")
        .into_inner();
    let mut spelled_out = create.clone();
    let told = pool(&mut spelled_out);
    told.max_tickets_per_order = 4;
    told.late_purchase_window = Some(Duration {
        seconds: 900,
        nanos: 0,
    });
    let pricing = told.pricing.as_mut().expect("pricing");
    pricing.demand_basis = v1::DemandBasis::Sold.into();
    pricing.interpolation = v1::Interpolation::Step.into();
    told.claim_duration = Some(Duration {
        seconds: 600,
        nanos: 0,
    });
    // Output only: ignored.
    told.name = "pools/other".into();
    told.etag = "9".into();
    told.state = v1::PoolState::Corrupted.into();
    told.availability = Some(v1::Availability {
        sold: 7,
        ..v1::Availability::default()
    });
    price(&mut spelled_out).currency_code = "eur".into();
    let again = caller
        .commands
        .create_pool(spelled_out)
        .await
        .expect("a repeat")
        .into_inner();
    assert_eq!(again, created);

    let order = claim_request(&id, "c", 1);
    let claimed = caller
        .commands
        .claim_tickets(order.clone())
        .await
        .expect("places")
        .into_inner();
    let upper = v1::ClaimTicketsRequest {
        request_id: order.request_id.to_uppercase(),
        ..order
    };
    let again = caller
        .commands
        .claim_tickets(upper)
        .await
        .expect("a UUID has one meaning");
    assert_eq!(again.into_inner(), claimed);
}

#[tokio::test]
async fn another_command_of_the_same_pool_cannot_take_the_id() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 100).await.expect("a new name");
    let order = claim_request(&id, "c", 2);
    let claimed = caller
        .commands
        .claim_tickets(order.clone())
        .await
        .expect("places")
        .into_inner();
    let claim = claimed.claim.expect("a claim").name;
    let request_id = order.request_id.clone();
    let Caller { commands, .. } = &mut caller;
    let again = || request_id.clone();
    let answers = [
        commands
            .purchase_tickets(v1::PurchaseTicketsRequest {
                request_id: again(),
                ..purchase_request(&id, "c", 2)
            })
            .await
            .map(drop),
        commands
            .buy_tickets(v1::BuyTicketsRequest {
                request_id: again(),
                ..buy_request(&claim)
            })
            .await
            .map(drop),
        commands
            .release_tickets(v1::ReleaseTicketsRequest {
                request_id: again(),
                ..release_request(&claim)
            })
            .await
            .map(drop),
        commands
            .stop_sales(v1::StopSalesRequest {
                request_id: again(),
                ..stop_request(&id, v1::StopMode::VoidClaims)
            })
            .await
            .map(drop),
        commands
            .resume_sales(v1::ResumeSalesRequest {
                request_id: again(),
                ..resume_request(&id)
            })
            .await
            .map(drop),
        commands
            .create_pool(v1::CreatePoolRequest {
                request_id: again(),
                ..create_request(&id, a_pool(100))
            })
            .await
            .map(drop),
        commands
            .extend_claim(v1::ExtendClaimRequest {
                request_id: again(),
                ..extend_request(&claim)
            })
            .await
            .map(drop),
        commands
            .grant_tickets(v1::GrantTicketsRequest {
                request_id: again(),
                ..grant_request(&id, "c", 2)
            })
            .await
            .map(drop),
        commands
            .cancel_pool(v1::CancelPoolRequest {
                request_id: again(),
                ..cancel_request(&id)
            })
            .await
            .map(drop),
    ];
    for answer in answers {
        refused(
            answer,
            Reason::RequestIdReused,
            &[("request_id", &request_id)],
        );
    }
    assert_eq!(name::pool(&id), order.pool);
    assert_eq!(log::events(&shop.database, &id).await.len(), 3);
}
