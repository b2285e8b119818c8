//! Events that cannot have happened to their claims: the rows that they name are marked, and everything goes on.

use onsale_proto::v1::{self, ClaimState, TicketState};
use onsale_tests::{system::System, wait::eventually};

use super::claim;
use crate::db::{Db, LIMIT};

/// The UUID at the end of a name.
fn id(name: &str) -> &str {
    name.rsplit('/').next().expect("an id")
}

fn fact(claim: &v1::Claim, ticket: &str, rest: &str) -> String {
    format!(
        "{{\"claim\": \"{}\", \"ticket\": \"{}\", \"customer\": \"c\", \"unit_price\": 4999{rest}}}",
        id(&claim.name),
        id(ticket)
    )
}

const EXPIRE: &str = ", \"expire_time\": \"2099-01-01T00:00:00.000000Z\"";
const NOBODYS: &str = "018f0000-0000-7000-8000-00000000001c";

#[tokio::test]
async fn rows_that_an_event_contradicts_are_marked_and_left_as_they_were() {
    let system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    caller.create_pool("good", 100).await.unwrap();
    // Each on a pool of its own: what is held, what was bought, the kind of the event, which ticket of 0 to 1 it names.
    let cases = [
        ("bought-twice", "TicketBought", EXPIRE, Some(0)),
        ("bought-nobodys", "TicketBought", EXPIRE, None),
        ("refunded-held", "TicketRefunded", "", Some(1)),
        ("claimed-again", "TicketClaimed", EXPIRE, Some(1)),
        (
            "in-the-place-of-nobodys",
            "TicketClaimed",
            ", \"expire_time\": \"2099-01-01T00:00:00.000000Z\", \"replaces\": \"018f0000-0000-7000-8000-00000000001d\"",
            None,
        ),
        (
            "released-for-another",
            "TicketReleased",
            ", \"expire_time\": \"2099-01-01T00:00:00.000000Z\", \"cause\": \"CUSTOMER\"",
            Some(1),
        ),
        ("other-price", "TicketBought", EXPIRE, Some(1)),
    ];
    for (pool, kind, rest, named) in cases {
        caller.create_pool(pool, 100).await.unwrap();
        let customer = if kind == "TicketReleased" { "d" } else { "c" };
        let of = caller.claim(pool, customer, 2).await.unwrap();
        let other = caller.claim(pool, "other", 1).await.unwrap();
        let buy = v1::BuyTicketsRequest {
            tickets: vec![of.tickets[0].name.clone()],
            ..onsale_tests::caller::buy_request(&of.name)
        };
        let bought = caller.commands.buy_tickets(buy).await.unwrap().into_inner();
        let before = claim(&caller, &of.name, bought.receipt.as_ref())
            .await
            .unwrap();
        let ticket = named.map_or(NOBODYS, |index: usize| &of.tickets[index].name);
        let mut data = fact(&of, ticket, rest);
        if pool == "other-price" {
            data = data.replace("4999", "4998");
        }
        let at = db.plant(pool, kind, &data).await;
        eventually(LIMIT, "the projection goes on", || async {
            let reached = "SELECT position FROM onsale_query.generations WHERE projection = 'claims' AND state = 'live'";
            (db.number(reached).await >= at).then_some(())
        })
        .await;
        let after = claim(&caller, &of.name, None).await.unwrap();
        assert!(after.corrupted && !before.corrupted, "{pool}");
        let states = |record: &v1::ClaimRecord| -> Vec<TicketState> {
            let tickets = record.tickets.iter().filter_map(|t| t.ticket.as_ref());
            tickets.map(v1::Ticket::state).collect()
        };
        assert_eq!(
            states(&after),
            [TicketState::Bought, TicketState::Held],
            "{pool}"
        );
        assert_eq!(after.claim, before.claim, "{pool}");
        for (index, ticket) in after.tickets.iter().enumerate() {
            assert_eq!(ticket.corrupted, named == Some(index), "{pool} {index}");
        }
        let other = claim(&caller, &other.name, None).await.unwrap();
        assert!(!other.corrupted, "{pool}");
        let good = caller.purchase("good", "c", 1).await.unwrap();
        let name = good.claim.unwrap().name;
        let read = claim(&caller, &name, good.receipt.as_ref()).await.unwrap();
        assert_eq!(read.claim.unwrap().state(), ClaimState::Bought);
        assert!(!read.corrupted);
    }
}

#[tokio::test]
async fn what_was_released_before_releases_named_customers_is_in_their_story() {
    let system = System::start().await;
    let (mut caller, db) = (system.caller().await, Db::of(&system.database).await);
    caller.create_pool("old", 10).await.unwrap();
    let of = caller.claim("old", "c", 1).await.unwrap();
    let data = format!(
        "{{\"claim\": \"{}\", \"ticket\": \"{}\", \"cause\": \"EXPIRED\"{EXPIRE}}}",
        id(&of.name),
        id(&of.tickets[0].name)
    );
    let nobodys = data.replace(id(&of.name), NOBODYS);
    db.plant("old", "TicketReleased", &data).await;
    db.plant("old", "TicketReleased", &nobodys).await;
    eventually(LIMIT, "it is told", || async {
        let told = super::story(&caller, "c", None).await;
        (told.len() == 2).then_some(())
    })
    .await;
    let told = super::story(&caller, "c", None).await;
    assert_eq!(told[1].kind(), v1::CustomerEntryKind::Released);
    assert_eq!(told[1].release_cause(), v1::ReleaseCause::Expired);
    assert_eq!(told[1].unit_price, of.unit_price);
    // Claims are a projection of their own, and no receipt tells of what was planted.
    let read = eventually(LIMIT, "the claim is told", || async {
        let read = claim(&caller, &of.name, None).await.ok()?;
        (read.released > 0).then_some(read)
    })
    .await;
    assert_eq!((read.released, read.corrupted), (1, false));
    // Events are found by his name too.
    let types = eventually(LIMIT, "it is found", || async {
        let request = v1::ReadEventsRequest {
            customer: "c".into(),
            ..v1::ReadEventsRequest::default()
        };
        let answer = caller.queries.clone().read_events(request).await.ok()?;
        let events = answer.into_inner().events;
        (events.len() > 1).then_some(events)
    })
    .await;
    let types: Vec<_> = types.iter().map(|event| &*event.r#type).collect();
    assert_eq!(types, ["TicketClaimed", "TicketReleased"]);
}
