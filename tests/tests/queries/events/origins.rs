//! Who, from where, and why: of every type of event.

use std::collections::BTreeSet;

use onsale_proto::{PREVIOUS_ATTEMPTS_KEY, name, v1};
use onsale_shared::event::EventType;
use onsale_tests::{
    caller::{
        Caller, a_pool, buy_request, cancel_request, capacity_request, claim_request,
        create_request, euros, extend_request, fixed_price, limits_request, pricing_request,
        purchase_request, refund_request, release_request, reschedule_request, resume_request,
        stop_request,
    },
    system::System,
    wait::eventually,
};

use super::asking::{all, of_pool, origin, sent, token, types};
use crate::{
    db::{Db, LIMIT},
    rebuild::run,
    shared::{fresh_pool, shared},
};

/// A pool to which everything happens that can, all of it by one actor in one conversation. Returns a token.
async fn everything(caller: &mut Caller, id: &str, actor: &str, talk: &str) -> String {
    macro_rules! send {
        ($rpc:ident, $request:expr) => {{
            let answer = caller.commands.$rpc(sent($request, actor, talk)).await;
            answer.expect(stringify!($rpc)).into_inner()
        }};
    }
    let pool = v1::Pool {
        capacity: 20,
        ..a_pool(20)
    };
    send!(create_pool, create_request(id, pool));
    let kept = send!(claim_tickets, claim_request(id, "kim", 3))
        .claim
        .expect("a claim");
    send!(extend_claim, extend_request(&kept.name));
    send!(buy_tickets, buy_request(&kept.name));
    send!(refund_tickets, refund_request(&kept.tickets[..2]));
    let given_back = send!(claim_tickets, claim_request(id, "lee", 2))
        .claim
        .expect("a claim");
    send!(release_tickets, release_request(&given_back.name));
    send!(purchase_tickets, purchase_request(id, "mia", 2));
    send!(claim_tickets, claim_request(id, "nil", 2));
    send!(stop_sales, stop_request(id, v1::StopMode::FinishClaims));
    let mut late = sent(claim_request(id, "oda", 1), actor, talk);
    late.metadata_mut().insert(PREVIOUS_ATTEMPTS_KEY, 1.into());
    let refused = caller.commands.claim_tickets(late).await;
    refused.expect_err("sales are stopped, and this is a repeat");
    send!(resume_sales, resume_request(id));
    send!(change_capacity, capacity_request(id, 30));
    let price = fixed_price(euros(60, 0));
    send!(change_pricing, pricing_request(id, price));
    send!(reschedule_pool, reschedule_request(id));
    send!(change_limits, limits_request(id));
    token(send!(cancel_pool, cancel_request(id)).receipt)
}

/// What an event of this type is caused by, other than by its command. Another type has to say so here.
fn causes(kind: EventType) -> &'static [&'static str] {
    match kind {
        EventType::TicketBought | EventType::ClaimExtended | EventType::TicketRefunded => {
            &["TicketClaimed"]
        }
        EventType::TicketReleased => &["TicketClaimed", "SalesStopped", "PoolCancelled"],
        EventType::PoolCreated
        | EventType::TicketClaimed
        | EventType::SalesStopped
        | EventType::SalesResumed
        | EventType::PoolCancelled
        | EventType::CapacityChanged
        | EventType::PricingChanged
        | EventType::PoolRescheduled
        | EventType::LimitsChanged
        | EventType::CommandRefused => &[""],
    }
}

#[tokio::test]
async fn every_type_of_event_says_who_from_where_and_why() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, talk) = (fresh_pool(), fresh_pool());
    let token = everything(&mut caller, &id, "promoter-7", &talk).await;
    let events = all(&mut caller, &of_pool(&id, &token)).await;
    let seen: BTreeSet<_> = types(&events).into_iter().map(str::to_owned).collect();
    let every = EventType::ALL.iter().map(|kind| kind.as_str().to_owned());
    assert_eq!(seen, every.collect(), "each type");

    let mut of_command = BTreeSet::new();
    for (event, version) in events.iter().zip(1..) {
        let kind = EventType::parse(&event.r#type).expect("a known type");
        let origin = origin(event);
        assert_eq!((&event.pool, event.version), (&name::pool(&id), version));
        assert!(event.time.is_some() && event.record_time.is_some() && event.data.is_some());
        assert!(causes(kind).contains(&&*origin.cause_type), "{event:?}");
        assert_eq!(origin.causation_id.is_empty(), origin.cause_type.is_empty());
        assert_eq!(origin.cause_position == 0, origin.cause_type.is_empty());
        let source = origin.source.as_ref().expect("a source");
        assert_eq!(source.service, "command-service");
        assert!(!source.version.is_empty() && !source.instance.is_empty());
        // What the cancellation voided is swept by whoever comes first, nobody asking.
        if origin.automatic {
            assert_eq!(
                (&*event.r#type, &*origin.actor),
                ("TicketReleased", "command-service")
            );
            assert_eq!(
                (&*origin.request_id, &*origin.ip, &*origin.correlation_id),
                ("", "", "")
            );
            continue;
        }
        assert_eq!(
            (&*origin.actor, &*origin.ip),
            ("promoter-7", "127.0.0.1"),
            "{event:?}"
        );
        assert!(origin.user_agent.contains("tonic"), "{event:?}");
        assert_eq!(origin.correlation_id, talk);
        if !of_command.insert(&origin.request_id) {
            // Only the first event of a command says it in the log.
            assert_ne!(event.version, 1);
        }
    }
    assert_eq!(of_command.len(), 17, "as many commands were sent");

    // What it is about, in words of the contract.
    for event in &events {
        let is_of_ticket = event.r#type.starts_with("Ticket");
        let claim = format!("pools/{id}/claims/");
        let ticket = format!("pools/{id}/tickets/");
        assert_eq!(event.ticket.starts_with(&ticket), is_of_ticket, "{event:?}");
        let is_of_claim = is_of_ticket || event.r#type == "ClaimExtended";
        assert_eq!(event.claim.starts_with(&claim), is_of_claim, "{event:?}");
        let is_of_customer = is_of_claim || event.r#type == "CommandRefused";
        assert_eq!(!event.customer.is_empty(), is_of_customer, "{event:?}");
    }
    let created = events[0].data.clone().expect("data");
    let capacity = created.fields["capacity"].kind.clone();
    assert_eq!(capacity, Some(prost_types::value::Kind::NumberValue(20.0)));
}

#[tokio::test]
async fn what_the_server_does_by_itself_says_so() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 5).await.expect("a new name");
    caller.claim(&id, "kim", 3).await.expect("places");
    caller
        .stop_sales(&id, v1::StopMode::VoidClaims)
        .await
        .expect("a stop");
    let mut request = of_pool(&id, "");
    request.r#type = "TicketReleased".to_owned();
    let released = eventually(LIMIT, "the sweep", || {
        let (mut caller, request) = (caller.clone(), request.clone());
        async move { Some(all(&mut caller, &request).await).filter(|events| events.len() == 3) }
    });
    for event in released.await {
        let origin = origin(&event);
        assert!(origin.automatic);
        // Each of them, though only the first says so in the log.
        assert_eq!(origin.actor, "command-service");
        assert_eq!(
            origin.source.as_ref().map(|source| &*source.service),
            Some("command-service")
        );
        assert_eq!(origin.cause_type, "SalesStopped");
    }
}

#[tokio::test]
async fn an_erased_origin_is_answered_no_more_and_found_no_more() {
    let system = System::start().await;
    let db = Db::of(&system.database).await;
    let mut caller = system.caller().await;
    caller.create_pool("erased", 5).await.expect("a new name");
    let bought = caller.purchase("erased", "kim", 2).await.expect("places");
    let token = token(bought.receipt);
    let from_here = v1::ReadEventsRequest {
        ip: "127.0.0.1".to_owned(),
        ..of_pool("erased", &token)
    };
    let before = all(&mut caller, &from_here).await;
    assert_eq!(before.len(), 5);
    assert!(before.iter().all(|event| origin(event).ip == "127.0.0.1"));

    db.execute("DELETE FROM onsale_log.event_origins").await;
    assert_eq!(all(&mut caller, &from_here).await, []);
    let after = all(&mut caller, &of_pool("erased", &token)).await;
    assert_eq!(after.len(), 5);
    for (after, before) in after.iter().zip(&before) {
        let expected = v1::EventOrigin {
            ip: String::new(),
            user_agent: String::new(),
            ..origin(before).clone()
        };
        assert_eq!(origin(after), &expected, "all else is in the log");
    }

    // Tables that are built anew do not have it, and that is no difference; another address would be one.
    let url = system.database.url();
    let (went_well, printed, said) = run(url, &["rebuild", "audit"]).await;
    assert!(went_well, "{printed}{said}");
    let left = "SELECT count(*) FROM onsale_read.audit WHERE ip IS NOT NULL";
    assert_eq!(db.number(left).await, 0);
    db.execute("UPDATE onsale_read.audit SET actor = 'somebody' WHERE position = 2")
        .await;
    let (is_sound, printed, _said) = run(url, &["verify", "audit"]).await;
    assert!(
        !is_sound && printed.contains("audit: 1 row differs"),
        "{printed}"
    );
}
