//! A pool that was cancelled for good.

use onsale_proto::{name, reason::Reason, v1};
use onsale_tests::{
    caller::{buy_request, cancel_request},
    wait::eventually,
};

use crate::{
    every::every_command,
    log::{self, LIMIT},
    refused::refused,
    shop::{fresh_pool, shared},
};

#[tokio::test]
async fn a_cancelled_pool_refuses_every_rpc_but_releases_and_refunds() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let pool = name::pool(&id);
    caller.create_pool(&id, 10).await.expect("a new name");
    let held = caller.claim(&id, "a", 2).await.expect("places");
    let sold = caller.purchase(&id, "b", 2).await.expect("places");
    let sold = sold.claim.expect("a claim").tickets;
    let cancelled = caller.commands.cancel_pool(cancel_request(&id)).await;
    let version = cancelled.expect("it sells").into_inner().receipt;
    let version = version.expect("a receipt").version;
    let events = log::events(&shop.database, &id).await;
    let last = events.iter().find(|event| event.version == version);
    let last = last.expect("the end of the pool");
    assert_eq!(last.kind, "PoolCancelled");

    let answers = every_command(&mut caller, &id, &held.name, &sold[0]).await;
    let expected = [("pool", pool.as_str()), ("cancel_time", &last.time)];
    for (name, answer) in answers {
        match name {
            "RefundTickets" => answer.expect("what was sold is refunded"),
            "ReleaseTickets" => {
                let gone = [("claim", held.name.as_str())];
                refused(answer, Reason::TicketNotHeld, &gone).unless(&held.name);
            }
            _ => {
                refused(answer, Reason::PoolCancelled, &expected).unless(&pool);
            }
        }
    }
    let paid = v1::BuyTicketsRequest {
        reclaim: true,
        ..buy_request(&held.name)
    };
    let due_back = [expected[0], expected[1], ("refund_due", "true")];
    let answer = caller.commands.buy_tickets(paid).await;
    refused(answer, Reason::PoolCancelled, &due_back).unless(&pool);

    let again = caller.create_pool(&id, 10).await;
    refused(again, Reason::PoolExists, &[("pool", &pool)]);
    eventually(LIMIT, "the places of live claims are back", || async {
        (log::count(&shop.database, &id, "TicketReleased").await == 2).then_some(())
    })
    .await;
    let events = log::events(&shop.database, &id).await;
    let released = events.iter().filter(|event| event.kind == "TicketReleased");
    for event in released {
        assert_eq!(event.data["cause"], "CANCELLED");
        assert_eq!(event.metadata["causation_id"], last.id.as_str());
    }
}
