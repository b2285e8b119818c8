//! What the state of a claim refuses.

use std::time::Duration;

use onsale_proto::{name, reason::Reason, v1};
use onsale_tests::{
    caller::{Caller, buy_request, release_request},
    wait::eventually,
};
use tonic::Status;
use uuid::Uuid;

use crate::{
    log::{self, LIMIT, LogLock},
    refused::{Refused, refused, time_text},
    shop::{Shop, fresh_pool, shared},
};

const SECOND: Duration = Duration::from_secs(1);

async fn buy_some(
    caller: &mut Caller,
    claim: &str,
    tickets: Vec<String>,
) -> Result<v1::Claim, Status> {
    let request = v1::BuyTicketsRequest {
        tickets,
        ..buy_request(claim)
    };
    let bought = caller.commands.buy_tickets(request).await?;
    Ok(bought.into_inner().claim.unwrap_or_default())
}

async fn release_some(
    caller: &mut Caller,
    claim: &str,
    tickets: Vec<String>,
) -> Result<v1::Claim, Status> {
    let request = v1::ReleaseTicketsRequest {
        tickets,
        ..release_request(claim)
    };
    let released = caller.commands.release_tickets(request).await?;
    Ok(released.into_inner().claim.unwrap_or_default())
}

#[track_caller]
fn expired<T: std::fmt::Debug>(answer: Result<T, Status>, claim: &v1::Claim) {
    let expire_time = time_text(claim.expire_time);
    let expected = [
        ("claim", claim.name.as_str()),
        ("expire_time", &expire_time),
    ];
    refused(answer, Reason::ClaimExpired, &expected).unless(&claim.name);
}

#[track_caller]
fn not_held<T: std::fmt::Debug>(
    answer: Result<T, Status>,
    claim: &str,
    ticket: Option<&str>,
) -> Refused {
    let mut expected = vec![("claim", claim)];
    expected.extend(ticket.map(|ticket| ("ticket", ticket)));
    refused(answer, Reason::TicketNotHeld, &expected).unless(claim)
}

#[tokio::test]
async fn a_claim_that_the_pool_does_not_know_is_refused() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let (id, other) = (fresh_pool(), fresh_pool());
    caller.create_pool(&id, 10).await.expect("a pool");
    caller.create_pool(&other, 10).await.expect("a pool");
    let of_other = caller.claim(&other, "c", 1).await.expect("places");
    let of_other = of_other.name.rsplit('/').next().expect("an id").to_owned();
    for claim in [name::claim(&id, Uuid::new_v4()), name::claim(&id, of_other)] {
        for answer in [
            caller.buy(&claim).await.map(drop),
            caller.release(&claim).await.map(drop),
        ] {
            refused(answer, Reason::ClaimNotFound, &[("claim", &claim)])
                .about("onsale.v1.Claim", &claim);
        }
    }
}

#[tokio::test]
async fn an_expired_claim_is_dead_before_and_after_its_places_are_back() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller
        .create_pool_with_claims(&id, 2, SECOND)
        .await
        .expect("a pool");
    let claim = caller.claim(&id, "c", 2).await.expect("places");

    // The sweep of its places is on its way and cannot get into the log.
    let mut lock = LogLock::take(&shop.database).await;
    log::wait_until_expired(&shop.database, &claim).await;
    lock.awaited().await;
    let buying = tokio::spawn({
        let (mut caller, name) = (caller.clone(), claim.name.clone());
        async move { caller.buy(&name).await }
    });
    assert_eq!(log::count(&shop.database, &id, "TicketReleased").await, 0);
    lock.release().await;
    expired(buying.await.expect("no panic"), &claim);

    eventually(LIMIT, "its places are back", || async {
        (log::count(&shop.database, &id, "TicketReleased").await == 2).then_some(())
    })
    .await;
    expired(caller.buy(&claim.name).await, &claim);
    not_held(caller.release(&claim.name).await, &claim.name, None);
    caller
        .purchase(&id, "d", 2)
        .await
        .expect("its places are back");
}

#[tokio::test]
async fn a_part_of_an_expired_claim_stays_bought() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller
        .create_pool_with_claims(&id, 2, SECOND)
        .await
        .expect("a pool");
    let claim = caller.claim(&id, "c", 2).await.expect("places");
    let [first, second] = [0, 1].map(|i: usize| claim.tickets[i].name.clone());
    buy_some(&mut caller, &claim.name, vec![first])
        .await
        .expect("it is live");
    log::wait_until_expired(&shop.database, &claim).await;
    expired(
        buy_some(&mut caller, &claim.name, vec![second]).await,
        &claim,
    );
    // Bought at once: a claim of its own would expire in a second as well.
    caller
        .purchase(&id, "d", 1)
        .await
        .expect("the other place is back");
    let counts = [
        log::count(&shop.database, &id, "TicketBought").await,
        log::count(&shop.database, &id, "TicketReleased").await,
    ];
    assert_eq!(counts, [2, 1]);
}

#[tokio::test]
async fn a_voided_claim_is_dead_from_the_stop_on() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a pool");
    let claim = caller.claim(&id, "c", 2).await.expect("places");
    caller
        .stop_sales(&id, v1::StopMode::VoidClaims)
        .await
        .expect("it sells");

    let answers = [caller.buy(&claim.name).await.map(drop)];
    eventually(LIMIT, "its places are back", || async {
        (log::count(&shop.database, &id, "TicketReleased").await == 2).then_some(())
    })
    .await;
    let events = log::events(&shop.database, &id).await;
    let stop = events
        .iter()
        .find(|event| event.kind == "SalesStopped")
        .expect("the stop");
    let expected = [("claim", claim.name.as_str()), ("void_time", &stop.time)];
    for answer in answers
        .into_iter()
        .chain([caller.buy(&claim.name).await.map(drop)])
    {
        refused(answer, Reason::ClaimVoided, &expected).unless(&claim.name);
    }
    not_held(caller.release(&claim.name).await, &claim.name, None);
    let released: Vec<_> = events
        .iter()
        .filter(|event| event.kind == "TicketReleased")
        .collect();
    assert!(
        released
            .iter()
            .all(|event| event.data["cause"] == "STOPPED")
    );
    assert!(
        released
            .iter()
            .all(|event| event.metadata["causation_id"] == stop.id.as_str())
    );
}

#[tokio::test]
async fn only_tickets_that_the_claim_holds_are_bought_or_released() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a pool");
    let claim = caller.claim(&id, "c", 3).await.expect("places");
    let other = caller.claim(&id, "d", 1).await.expect("places");
    let tickets: Vec<_> = claim
        .tickets
        .iter()
        .map(|ticket| ticket.name.clone())
        .collect();
    let foreign = other.tickets[0].name.clone();
    let unknown = name::ticket(&id, Uuid::new_v4());

    // All or nothing: the first that is not held is named.
    for wrong in [&foreign, &unknown] {
        let named = vec![tickets[0].clone(), wrong.clone()];
        not_held(
            buy_some(&mut caller, &claim.name, named.clone()).await,
            &claim.name,
            Some(wrong),
        );
        not_held(
            release_some(&mut caller, &claim.name, named).await,
            &claim.name,
            Some(wrong),
        );
    }
    assert_eq!(log::events(&shop.database, &id).await.len(), 5);

    buy_some(&mut caller, &claim.name, vec![tickets[0].clone()])
        .await
        .expect("held");
    release_some(&mut caller, &claim.name, vec![tickets[1].clone()])
        .await
        .expect("held");
    for gone in &tickets[..2] {
        let named = vec![gone.clone()];
        not_held(
            buy_some(&mut caller, &claim.name, named.clone()).await,
            &claim.name,
            Some(gone),
        );
        not_held(
            release_some(&mut caller, &claim.name, named).await,
            &claim.name,
            Some(gone),
        );
    }
    let bought = caller
        .buy(&claim.name)
        .await
        .expect("the last that is held");
    assert_eq!(
        bought.claim.expect("the claim").state(),
        v1::ClaimState::Bought
    );
    not_held(caller.buy(&claim.name).await, &claim.name, None);
    not_held(caller.release(&claim.name).await, &claim.name, None);
}
