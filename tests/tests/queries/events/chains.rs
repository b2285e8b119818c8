//! Causes and effects: from an event back to what nothing caused, and on to all that it led to.

use std::time::Duration;

use onsale_proto::{name, reason::Reason, v1};
use onsale_tests::{
    caller::{Caller, a_pool, claim_request, purchase_request, stop_request},
    wait::eventually,
};

use super::asking::{all, of_pool, origin, sent, token, trace, types};
use crate::{
    db::LIMIT,
    refused::{refused, violates},
    shared::{fresh_pool, shared},
};

/// A pool of one place, which was claimed until its deadline and sold as soon as that had passed. The sale may have found
/// the place freed by the server; then nothing leads from one to the other, and another pool has to do.
async fn resold(caller: &mut Caller) -> (String, Vec<v1::Event>) {
    loop {
        let id = fresh_pool();
        let duration = Duration::from_secs(1);
        caller
            .create_pool_with_claims(&id, 1, duration)
            .await
            .expect("a new name");
        let claim = sent(claim_request(&id, "first", 1), "shop-1", "talk-1");
        caller.commands.claim_tickets(claim).await.expect("a place");
        let sold = eventually(LIMIT, "a sale of the freed place", || {
            let (mut caller, id) = (caller.clone(), id.clone());
            async move {
                let order = sent(purchase_request(&id, "second", 1), "shop-2", "talk-2");
                caller.commands.purchase_tickets(order).await.ok()
            }
        });
        let token = token(sold.await.into_inner().receipt);
        let events = all(caller, &of_pool(&id, &token)).await;
        let expected = [
            "PoolCreated",
            "TicketClaimed",
            "TicketReleased",
            "TicketClaimed",
            "TicketBought",
        ];
        assert_eq!(types(&events), expected);
        if !origin(&events[2]).automatic {
            return (id, events);
        }
    }
}

#[tokio::test]
async fn a_sale_leads_back_to_the_claim_whose_end_had_freed_its_place() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (_id, events) = resold(&mut caller).await;
    let [_created, claimed, released, again, bought] = events.as_slice() else {
        unreachable!("{events:?}");
    };
    let chain = trace(&mut caller, &bought.event_id).await;
    assert_eq!(chain.event.as_ref(), Some(bought));
    assert_eq!(
        chain.causes,
        [claimed.clone(), released.clone(), again.clone()]
    );
    assert_eq!(chain.effects, []);
    // The first half was somebody else's, in another conversation.
    let talks: Vec<_> = chain
        .causes
        .iter()
        .map(|event| &*origin(event).correlation_id)
        .collect();
    assert_eq!(talks, ["talk-1", "talk-2", "talk-2"]);
    let actors: Vec<_> = chain
        .causes
        .iter()
        .map(|event| &*origin(event).actor)
        .collect();
    assert_eq!(actors, ["shop-1", "shop-2", "shop-2"]);
    let data = released.data.as_ref().expect("data");
    let cause = data.fields["cause"].kind.clone();
    assert_eq!(
        cause,
        Some(prost_types::value::Kind::StringValue("EXPIRED".to_owned()))
    );

    let from_the_first = trace(&mut caller, &claimed.event_id).await;
    assert_eq!(from_the_first.causes, []);
    let expected = [released.clone(), again.clone(), bought.clone()];
    assert_eq!(from_the_first.effects, expected);
    let from_the_middle = trace(&mut caller, &released.event_id).await;
    assert_eq!(from_the_middle.causes, std::slice::from_ref(claimed));
    assert_eq!(from_the_middle.effects, [again.clone(), bought.clone()]);
    for link in [released, again, bought] {
        let cause = chain
            .causes
            .iter()
            .find(|cause| cause.event_id == origin(link).causation_id);
        let cause = cause.expect("in the chain");
        assert_eq!(
            (&origin(link).cause_type, origin(link).cause_position),
            (&cause.r#type, cause.position)
        );
    }
}

#[tokio::test]
async fn a_stop_leads_to_every_claim_that_it_voided() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a new name");
    for customer in ["a", "b"] {
        caller.claim(&id, customer, 2).await.expect("places");
    }
    let stop = sent(
        stop_request(&id, v1::StopMode::VoidClaims),
        "promoter",
        "halt",
    );
    let stopped = caller
        .commands
        .stop_sales(stop)
        .await
        .expect("a stop")
        .into_inner();
    let mut stops = of_pool(&id, &token(stopped.receipt));
    stops.r#type = "SalesStopped".to_owned();
    let stop = all(&mut caller, &stops).await.remove(0);
    let chain = eventually(LIMIT, "the sweep", || {
        let (mut caller, stop) = (caller.clone(), stop.event_id.clone());
        async move { Some(trace(&mut caller, &stop).await).filter(|chain| chain.effects.len() == 4) }
    })
    .await;
    assert_eq!(types(&chain.effects), ["TicketReleased"; 4]);
    assert!(!chain.more_effects);
    for void in &chain.effects {
        assert_eq!(void.pool, name::pool(&id));
        let back = trace(&mut caller, &void.event_id).await;
        assert_eq!(back.causes, std::slice::from_ref(&stop));
        assert_eq!(origin(&back.causes[0]).actor, "promoter");
    }
    // The same, asked as a filter, and with whose they were.
    let caused = v1::ReadEventsRequest {
        causation_id: stop.event_id.clone(),
        ..Default::default()
    };
    assert_eq!(all(&mut caller, &caused).await, chain.effects);
}

#[tokio::test]
async fn more_effects_than_are_answered_are_said_to_be_there() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    let pool = v1::Pool {
        max_tickets_per_order: 10,
        ..a_pool(600)
    };
    caller.create(&id, pool).await.expect("a new name");
    for number in 0..51 {
        caller
            .claim(&id, &format!("c{number}"), 10)
            .await
            .expect("places");
    }
    let stopped = caller
        .stop_sales(&id, v1::StopMode::VoidClaims)
        .await
        .expect("a stop");
    let mut stops = of_pool(&id, &stopped.consistency_token);
    stops.r#type = "SalesStopped".to_owned();
    let stop = all(&mut caller, &stops).await.remove(0);
    let chain = eventually(LIMIT, "the sweep", || {
        let (mut caller, stop) = (caller.clone(), stop.event_id.clone());
        async move { Some(trace(&mut caller, &stop).await).filter(|chain| chain.more_effects) }
    })
    .await;
    assert_eq!(chain.effects.len(), 500);
    let caused = v1::ReadEventsRequest {
        causation_id: stop.event_id,
        page_size: 500,
        ..Default::default()
    };
    assert_eq!(all(&mut caller, &caused).await.len(), 510);
}

#[tokio::test]
async fn an_event_that_is_not_there_has_no_chain() {
    let system = shared().await;
    let mut queries = system.caller().await.queries;
    let mut of = async |event: &str| {
        let request = v1::TraceEventRequest {
            event_id: event.to_owned(),
            ..Default::default()
        };
        queries.trace_event(request).await
    };
    let unknown = of("00000000-0000-7000-8000-000000000001").await;
    refused(unknown, Reason::EventNotFound);
    violates(of("").await, &["event_id"]);
    violates(of("1").await, &["event_id"]);
}
