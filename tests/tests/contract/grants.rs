//! The largest grant: a whole group of events at once, also while others buy, and also where dead claims must go first.

use futures::future::join_all;
use onsale_proto::v1;
use onsale_tests::{
    caller::{a_pool, create_request, grant_request},
    proof,
    wait::within,
};

use crate::{
    log::{self, LIMIT},
    shop::{fresh_pool, shared},
};

/// The most tickets that one grant may give away.
const MOST: u32 = 500;

#[tokio::test]
async fn the_largest_grant_finds_its_place_between_sales() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 1_500).await.expect("a new name");
    let buyers = (0..16).map(|_| {
        let (mut caller, id) = (caller.clone(), id.clone());
        tokio::spawn(async move {
            for _ in 0..40 {
                caller.purchase(&id, "buyer", 1).await.expect("places");
            }
        })
    });
    let buyers: Vec<_> = buyers.collect();
    let granting = caller
        .commands
        .grant_tickets(grant_request(&id, "press", MOST));
    let granted = within(LIMIT, "the grant", granting).await.expect("places");
    let claim = granted.into_inner().claim.expect("a claim");
    assert_eq!(claim.tickets.len(), 500);
    for bought in within(LIMIT, "the sales", join_all(buyers)).await {
        bought.expect("no panic");
    }
    let proof = proof::of_pool(&mut shop.database.admin().await, &id).await;
    assert!(proof.is_sound(), "{proof:?}");
    assert_eq!(proof.sold, 500 + 16 * 40);
}

#[tokio::test]
async fn the_largest_grant_takes_the_places_of_dead_claims() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = v1::Pool {
        claim_duration: Some(prost_types::Duration {
            seconds: 1,
            nanos: 0,
        }),
        max_tickets_per_order: 100,
        ..a_pool(500)
    };
    caller
        .commands
        .create_pool(create_request(&id, pool))
        .await
        .expect("a new name");
    let mut last = None;
    for _ in 0..5 {
        last = Some(caller.claim(&id, "holder", 100).await.expect("places"));
    }
    log::wait_until_expired(&shop.database, &last.expect("a claim")).await;
    // Whether the sweep was faster or not: the grant is told nothing of claims that are dead.
    let granting = caller
        .commands
        .grant_tickets(grant_request(&id, "press", MOST));
    let granted = within(LIMIT, "the grant", granting).await.expect("places");
    assert_eq!(
        granted.into_inner().claim.expect("a claim").tickets.len(),
        500
    );
    let proof = proof::of_pool(&mut shop.database.admin().await, &id).await;
    assert!(proof.is_sound(), "{proof:?}");
    assert_eq!((proof.sold, proof.held), (500, 0));
}
