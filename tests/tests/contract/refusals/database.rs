//! What is refused while PostgreSQL is away, and what nobody knows yet.

use std::time::Duration;

use onsale_proto::{reason::Reason, v1};
use onsale_tests::{
    caller::{a_pool, claim_request, create_request},
    system::System,
    wait::eventually,
};

use crate::{
    log::{self, LIMIT, LogLock, admit_sessions, patiently},
    refused::refused,
    shop::{Shop, fresh_pool},
};

const RETRY_DATABASE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn nothing_is_recorded_while_the_database_is_away() {
    let mut system = System::start().await;
    let mut caller = system.caller().await;
    let (id, loaded) = (fresh_pool(), fresh_pool());
    for pool in [&id, &loaded] {
        let created = caller.create_pool(pool, 10).await.expect("a pool");
        caller
            .pool(pool, &created.consistency_token)
            .await
            .expect("it is read");
    }
    // An instance that has read a pool and never written one: its first append finds no session.
    system.add_command(&[]).await;
    let mut reader = system.caller_of(1).await;
    let look = v1::ClaimTicketsRequest {
        validate_only: true,
        ..claim_request(&loaded, "c", 1)
    };
    reader
        .commands
        .claim_tickets(look)
        .await
        .expect("it would be accepted");

    admit_sessions(&system.database, false).await;
    let requests = [claim_request(&id, "c", 1), claim_request(&loaded, "c", 1)];
    for request in &requests {
        let answer = reader.commands.claim_tickets(request.clone()).await;
        refused(answer, Reason::DatabaseUnavailable, &[]).again_after(RETRY_DATABASE);
    }
    let pool = caller.pool(&id, "").await;
    refused(pool, Reason::DatabaseUnavailable, &[]).again_after(RETRY_DATABASE);
    caller.availability(&id, "").await.expect("memory answers");

    admit_sessions(&system.database, true).await;
    for request in requests {
        assert_eq!(
            log::recorded(&system.database, &request.request_id).await,
            0
        );
        let again = eventually(LIMIT, "it is served again", || async {
            reader
                .clone()
                .commands
                .claim_tickets(request.clone())
                .await
                .ok()
        })
        .await;
        assert_eq!(again.into_inner().receipt.expect("a receipt").version, 2);
        assert_eq!(
            log::recorded(&system.database, &request.request_id).await,
            1
        );
    }
    eventually(LIMIT, "the read model is read again", || async {
        caller.clone().pool(&id, "").await.ok()
    })
    .await;
}

#[tokio::test]
async fn an_outcome_that_is_not_known_in_time_is_learnt_by_a_repeat() {
    let shop = Shop::start(&[("ONSALE_DEADLINE_DEFAULT_MS", "300")]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let create = create_request(&id, a_pool(10));
    let created = caller.commands.create_pool(patiently(create)).await;
    created.expect("a pool");
    let request = claim_request(&id, "c", 2);
    let mut lock = LogLock::take(&shop.database).await;
    let answer = caller.commands.claim_tickets(request.clone()).await;
    refused(answer, Reason::OutcomeUnknown, &[]).again_after(RETRY_DATABASE);
    lock.awaited().await;
    // Nobody knows yet, so a repeat is told the same.
    let answer = caller.commands.claim_tickets(request.clone()).await;
    let refusal = crate::refused::Refused::of(answer.expect_err("the log is locked"));
    assert!(matches!(
        refusal.reason,
        Reason::OutcomeUnknown | Reason::Overloaded
    ));
    lock.release().await;
    let learnt = eventually(LIMIT, "the outcome is known", || async {
        caller
            .clone()
            .commands
            .claim_tickets(patiently(request.clone()))
            .await
            .ok()
    })
    .await;
    let receipt = learnt.into_inner().receipt.expect("a receipt");
    assert_eq!(receipt.version, 3);
    assert_eq!(log::events(&shop.database, &id).await.len(), 3);
}
