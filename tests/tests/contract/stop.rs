//! The stop of sales: in order with every sale, at once even under overload, and with a mass release in bounded steps.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use onsale_proto::{reason::Reason, v1};
use onsale_tests::{
    caller::{Caller, claim_request},
    proof,
    wait::{eventually, within},
};
use tokio::time::Instant;

use crate::{
    log::{self, LIMIT},
    refused::Refused,
    shop::{Shop, caller_of, fresh_pool},
};

/// Each buyer asks so often again after the first refusal.
const REFUSALS_PER_BUYER: usize = 2;

/// Claims, and buys at once every second time, until sales are stopped. Returns how often, and how often it was refused.
async fn storm(
    mut caller: Caller,
    pool: String,
    customer: String,
    in_flight: Arc<AtomicUsize>,
) -> (usize, usize) {
    let (mut orders, mut refusals) = (0, 0);
    while refusals < REFUSALS_PER_BUYER {
        in_flight.fetch_add(1, Ordering::SeqCst);
        let sold = if orders % 2 == 0 {
            caller.claim(&pool, &customer, 1).await.map(drop)
        } else {
            caller.purchase(&pool, &customer, 2).await.map(drop)
        };
        in_flight.fetch_sub(1, Ordering::SeqCst);
        match sold {
            Ok(()) => {
                assert_eq!(refusals, 0, "sold after a refusal");
                orders += 1;
            }
            Err(status) => {
                assert_eq!(Refused::of(status).reason, Reason::SalesStopped);
                refusals += 1;
            }
        }
    }
    (orders, refusals)
}

#[tokio::test]
async fn nothing_is_sold_after_the_stop_whoever_sells() {
    for mode in [v1::StopMode::FinishClaims, v1::StopMode::VoidClaims] {
        let shop = Shop::start(&[]).await;
        let other = shop.another_instance().await;
        let (mut here, there) = (shop.caller().await, caller_of(&other).await);
        let id = fresh_pool();
        here.create_pool(&id, 1_000_000).await.expect("a new name");
        let in_flight = Arc::<AtomicUsize>::default();
        let buyers: Vec<_> = (0..64)
            .map(|i| {
                let caller = if i % 2 == 0 { &here } else { &there };
                let (caller, in_flight) = (caller.clone(), Arc::clone(&in_flight));
                tokio::spawn(storm(caller, id.clone(), format!("c{i}"), in_flight))
            })
            .collect();
        eventually(LIMIT, "they sell", || async {
            (log::count(&shop.database, &id, "TicketClaimed").await > 300).then_some(())
        })
        .await;
        let receipt = here.stop_sales(&id, mode).await.expect("it sells");
        let across = in_flight.load(Ordering::SeqCst);
        let tallies = within(LIMIT, "each is told", join_all(buyers)).await;
        let (mut orders, mut refusals) = (0, 0);
        for tally in tallies {
            let (sold, refused) = tally.expect("no panic");
            orders += sold;
            refusals += refused;
        }

        let events = log::events(&shop.database, &id).await;
        let stop = events
            .iter()
            .find(|event| event.kind == "SalesStopped")
            .expect("the stop");
        assert_eq!(stop.version, receipt.version);
        let after = events.iter().filter(|event| event.version > stop.version);
        let sold_after =
            after.filter(|event| matches!(event.kind.as_str(), "TicketClaimed" | "TicketBought"));
        assert_eq!(sold_after.count(), 0);
        assert!(orders >= 100, "{orders} orders before the stop");
        assert!(refusals >= 100, "{refusals} refusals after it");
        assert!(across > 0, "no command was in flight across the stop");
        let first_events = events
            .iter()
            .filter(|event| event.metadata["actor"] == "anonymous");
        assert_eq!(
            first_events.count(),
            orders + 2,
            "each order that was acknowledged, and no other"
        );
        let proof = proof::of_pool(&mut shop.database.admin().await, &id).await;
        assert!(proof.is_sound(), "{proof:?}");
    }
}

#[tokio::test]
async fn live_claims_are_finished_or_void_as_the_mode_says() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    for (mode, bought) in [
        (v1::StopMode::FinishClaims, true),
        (v1::StopMode::VoidClaims, false),
    ] {
        let id = fresh_pool();
        caller.create_pool(&id, 10).await.expect("a new name");
        let claims = [
            caller.claim(&id, "c", 2).await.expect("places"),
            caller.claim(&id, "d", 2).await.expect("places"),
        ];
        caller.stop_sales(&id, mode).await.expect("it sells");
        assert_eq!(caller.buy(&claims[0].name).await.is_ok(), bought);
        assert_eq!(caller.release(&claims[1].name).await.is_ok(), bought);
        // What the stop ended stays ended.
        caller.resume_sales(&id).await.expect("it is stopped");
        let later = caller.claim(&id, "e", 1).await.expect("it sells again");
        assert!(caller.buy(&claims[0].name).await.is_err());
        caller
            .buy(&later.name)
            .await
            .expect("a claim of the time after");
        eventually(LIMIT, "two are released", || async {
            let released = log::count(&shop.database, &id, "TicketReleased").await;
            (released == if bought { 2 } else { 4 }).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_stop_goes_before_thousands_of_claims_that_wait() {
    const CLAIMS: usize = 3_500;
    let shop = Shop::start(&[]).await;
    let mut promoter = shop.caller().await;
    let id = fresh_pool();
    promoter
        .create_pool(&id, 1_000_000)
        .await
        .expect("a new name");
    let caller = shop.caller().await;
    let mut lock = log::LogLock::take(&shop.database).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let claims: Vec<_> = (0..CLAIMS)
        .map(|i| {
            let (mut caller, sent) = (caller.clone(), Arc::clone(&sent));
            let request = claim_request(&id, &format!("c{i}"), 4);
            tokio::spawn(async move {
                sent.fetch_add(1, Ordering::SeqCst);
                caller.commands.claim_tickets(request).await.map(drop)
            })
        })
        .collect();
    eventually(LIMIT, "all are sent", || async {
        (sent.load(Ordering::SeqCst) == CLAIMS).then_some(())
    })
    .await;
    // Answered by the edge, after what was sent before it on the same connection has arrived there.
    let last = caller.clone().claim(&id, "", 1).await;
    assert_eq!(
        Refused::of(last.expect_err("nobody's")).reason,
        Reason::InvalidField
    );
    lock.awaited().await;
    lock.release().await;
    let asked = Instant::now();
    let receipt = promoter
        .stop_sales(&id, v1::StopMode::FinishClaims)
        .await
        .expect("it sells");
    let took = asked.elapsed();
    let answers = within(LIMIT, "each is told", join_all(claims)).await;
    let mut reasons = BTreeMap::new();
    for answer in answers {
        if let Err(status) = answer.expect("no panic") {
            *reasons.entry(Refused::of(status).reason).or_insert(0) += 1;
        }
    }
    let stopped = reasons.get(&Reason::SalesStopped).copied().unwrap_or(0);
    assert!(
        stopped > 1_000,
        "it was to go before most of them: {reasons:?}"
    );
    assert!(took < Duration::from_secs(1), "{took:?}");
    let events = log::events(&shop.database, &id).await;
    let last = events.last().expect("events");
    assert_eq!(
        (last.kind.as_str(), last.version),
        ("SalesStopped", receipt.version)
    );
}

#[tokio::test]
async fn a_mass_of_voided_claims_is_released_in_bounded_steps() {
    const CLAIMS: usize = 3_000;
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let capacity = i64::try_from(CLAIMS).expect("a small number");
    caller.create_pool(&id, capacity).await.expect("a new name");
    for chunk in 0..3 {
        let claims = (0..CLAIMS / 3).map(|i| {
            let (mut caller, id) = (caller.clone(), id.clone());
            tokio::spawn(async move {
                caller
                    .claim(&id, &format!("c{chunk}-{i}"), 1)
                    .await
                    .map(drop)
            })
        });
        for claimed in join_all(claims).await {
            claimed.expect("no panic").expect("places");
        }
    }
    caller
        .stop_sales(&id, v1::StopMode::VoidClaims)
        .await
        .expect("it sells");
    let began = Instant::now();
    eventually(LIMIT, "all places are back", || async {
        let proof = proof::of_pool(&mut shop.database.admin().await, &id).await;
        (proof.held == 0).then_some(())
    })
    .await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    let events = log::events(&shop.database, &id).await;
    let mut steps = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == "TicketReleased") {
        assert_eq!(event.data["cause"], "STOPPED");
        *steps.entry(event.transaction.clone()).or_insert(0) += 1;
    }
    assert_eq!(steps.values().sum::<usize>(), CLAIMS, "each place once");
    assert!(steps.values().all(|size| *size <= 500), "{steps:?}");
    let proof = proof::of_pool(&mut shop.database.admin().await, &id).await;
    assert!(proof.is_sound(), "{proof:?}");
}
