//! What the life of a claim and of a ticket refuses: a second extension, a second refund.

use onsale_proto::{name, reason::Reason, v1};
use onsale_tests::caller::{extend_request, refund_request};
use uuid::Uuid;

use crate::{
    log,
    refused::{refused, time_text},
    shop::{fresh_pool, shared},
};

#[tokio::test]
async fn a_claim_is_extended_once() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let claim = caller.claim(&id, "c", 2).await.expect("places").name;
    let extended = caller.commands.extend_claim(extend_request(&claim)).await;
    let extended = extended.expect("it is live").into_inner().claim;
    let expire_time = time_text(extended.expect("a claim").expire_time);
    let expected = [("claim", claim.as_str()), ("expire_time", &expire_time)];
    let again = caller.commands.extend_claim(extend_request(&claim)).await;
    refused(again, Reason::ClaimAlreadyExtended, &expected).unless(&claim);
    assert_eq!(log::count(&shop.database, &id, "ClaimExtended").await, 1);

    caller.buy(&claim).await.expect("it is live");
    let unextended = caller.purchase(&id, "c", 1).await.expect("places");
    let unextended = unextended.claim.expect("a claim").name;
    let answer = caller.commands.extend_claim(extend_request(&unextended));
    let expected = [("claim", unextended.as_str())];
    refused(answer.await, Reason::TicketNotHeld, &expected).unless(&unextended);
}

#[tokio::test]
async fn a_claim_that_is_unknown_dead_or_void_is_not_extended() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let second = std::time::Duration::from_secs(1);
    caller
        .create_pool_with_claims(&id, 10, second)
        .await
        .expect("a new name");
    let unknown = name::claim(&id, Uuid::new_v4());
    let answer = caller.commands.extend_claim(extend_request(&unknown)).await;
    refused(answer, Reason::ClaimNotFound, &[("claim", &unknown)])
        .about("onsale.v1.Claim", &unknown);

    let claim = caller.claim(&id, "c", 1).await.expect("places");
    log::wait_until_expired(&shop.database, &claim).await;
    let expire_time = time_text(claim.expire_time);
    let expected = [
        ("claim", claim.name.as_str()),
        ("expire_time", &expire_time),
    ];
    let answer = caller.commands.extend_claim(extend_request(&claim.name));
    refused(answer.await, Reason::ClaimExpired, &expected).unless(&claim.name);

    let claim = caller.claim(&id, "c", 1).await.expect("places").name;
    caller
        .stop_sales(&id, v1::StopMode::VoidClaims)
        .await
        .expect("it sells");
    let events = log::events(&shop.database, &id).await;
    let stop = events.iter().find(|event| event.kind == "SalesStopped");
    let expected = [
        ("claim", claim.as_str()),
        ("void_time", &stop.expect("the stop").time),
    ];
    let answer = caller.commands.extend_claim(extend_request(&claim)).await;
    refused(answer, Reason::ClaimVoided, &expected).unless(&claim);
}

#[tokio::test]
async fn only_a_sold_ticket_is_refunded_and_only_once() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    let sold = caller.purchase(&id, "c", 3).await.expect("places");
    let sold = sold.claim.expect("a claim").tickets;
    let held = caller.claim(&id, "c", 1).await.expect("places").tickets;
    let never = v1::Ticket {
        name: name::ticket(&id, Uuid::new_v4()),
        ..v1::Ticket::default()
    };
    // All or nothing: the first that is not sold is named.
    let unknown = refund_request(&[sold[0].clone(), never.clone()]);
    let answer = caller.commands.refund_tickets(unknown).await;
    refused(answer, Reason::TicketNotFound, &[("ticket", &never.name)])
        .about("onsale.v1.Ticket", &never.name);
    assert_eq!(log::count(&shop.database, &id, "TicketRefunded").await, 0);

    let first = refund_request(&sold[..1]);
    caller.commands.refund_tickets(first).await.expect("sold");
    let answer = caller.commands.refund_tickets(refund_request(&sold)).await;
    let gone = [("ticket", sold[0].name.as_str())];
    refused(answer, Reason::TicketNotSold, &gone).unless(&sold[0].name);
    let rest = refund_request(&sold[1..]);
    caller.commands.refund_tickets(rest).await.expect("sold");

    let answer = caller.commands.refund_tickets(refund_request(&held)).await;
    let name = held[0].name.as_str();
    refused(answer, Reason::TicketNotFound, &[("ticket", name)]).about("onsale.v1.Ticket", name);
}
