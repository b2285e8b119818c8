//! A call that its client gave up on, while the command still waited, is never recorded afterwards; nor is one that was
//! on its way into the log, lost the race to another instance, and would have to be decided again.

use std::time::Duration;

use futures::poll;
use onsale_proto::{reason::Reason, status::reason_of};
use onsale_tests::{caller::claim_request, system::System, wait::eventually};
use sqlx::Connection as _;

use super::foreign::FOREIGN;

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_call_was_cancelled_while_it_waited_is_not_recorded_later() {
    // Batches of one event: one command is on its way, one is decided on top of it, all others wait.
    let system = System::start_with(1, &[("ONSALE_BATCH_EVENTS", "1")]).await;
    let mut caller = system.caller().await;
    caller.create_pool("impatient", 100).await.unwrap();
    let mut other = system.database.admin().await;
    let mut observer = system.database.admin().await;
    let mut lock = other.begin().await.unwrap();
    sqlx::raw_sql("SELECT onsale_log.lock()")
        .execute(&mut *lock)
        .await
        .unwrap();
    let claim = |customer: &'static str| {
        let mut caller = caller.clone();
        Box::pin(async move { caller.claim("impatient", customer, 1).await })
    };
    // Polled once, a call stands in the queue of the connection; what is polled later is sent later.
    let mut on_its_way = claim("on-its-way");
    assert!(poll!(&mut on_its_way).is_pending());
    let observer_ref = tokio::sync::Mutex::new(&mut observer);
    eventually(LIMIT, "the first claim waits for the log", || async {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        )
        .fetch_one(&mut **observer_ref.lock().await)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    // A round trip on the same connection comes after what was sent on it before.
    let mut probe = caller.clone();
    let mut round_trip = async || {
        let unknown = probe
            .commands
            .claim_tickets(onsale_proto::v1::ClaimTicketsRequest::default())
            .await;
        assert!(unknown.is_err(), "nothing valid was asked");
    };
    let mut on_top = claim("on-top");
    assert!(poll!(&mut on_top).is_pending());
    round_trip().await;
    let mut cancelled = claim("cancelled");
    assert!(poll!(&mut cancelled).is_pending());
    round_trip().await;
    drop(cancelled);
    round_trip().await;
    let mut after = claim("after");
    assert!(poll!(&mut after).is_pending());
    round_trip().await;
    lock.commit().await.unwrap();

    for claim in [on_its_way, on_top, after] {
        claim.await.unwrap();
    }
    // The last was decided after the cancelled one had its turn.
    let customers: Vec<String> = sqlx::query_scalar(
        "SELECT data ->> 'customer' FROM onsale_log.events WHERE type = 'TicketClaimed' ORDER BY position",
    )
    .fetch_all(&mut observer)
    .await
    .unwrap();
    assert_eq!(customers, ["on-its-way", "on-top", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_lost_a_race_after_its_call_was_cancelled_is_not_decided_again() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    caller.create_pool("raced", 100).await.unwrap();
    let mut other = system.database.admin().await;
    let mut observer = system.database.admin().await;
    let mut foreign = other.begin().await.unwrap();
    sqlx::raw_sql("SELECT onsale_log.lock()")
        .execute(&mut *foreign)
        .await
        .unwrap();
    let mut claimant = caller.clone();
    let mut cancelled = Box::pin(claimant.claim("raced", "cancelled", 1));
    assert!(poll!(&mut cancelled).is_pending());
    let observer_ref = tokio::sync::Mutex::new(&mut observer);
    eventually(LIMIT, "the claim waits for the log", || async {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        )
        .fetch_one(&mut **observer_ref.lock().await)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    drop(cancelled);
    // A round trip on the same connection comes after the cancellation.
    assert!(caller.claim("no-such-pool", "probe", 1).await.is_err());
    sqlx::query(FOREIGN)
        .bind("pools/raced")
        .execute(&mut *foreign)
        .await
        .unwrap();
    foreign.commit().await.unwrap();

    // Decided after the cancelled one had its turn again.
    caller.claim("raced", "after", 1).await.unwrap();
    let customers: Vec<String> = sqlx::query_scalar(
        "SELECT data ->> 'customer' FROM onsale_log.events WHERE type = 'TicketClaimed' ORDER BY position",
    )
    .fetch_all(&mut observer)
    .await
    .unwrap();
    assert_eq!(customers, ["foreign", "foreign", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_decided_on_hope_and_given_up_before_it_was_sent_is_not_recorded() {
    let system = System::start_with(2, &[]).await;
    let (mut here, mut there) = (system.caller_of(0).await, system.caller_of(1).await);
    here.create_pool("hoped", 100).await.unwrap();
    let mode = onsale_proto::v1::StopMode::FinishClaims;
    here.stop_sales("hoped", mode).await.unwrap();
    let mut other = system.database.admin().await;
    let mut observer = system.database.admin().await;
    let mut lock = other.begin().await.unwrap();
    sqlx::raw_sql("SELECT onsale_log.lock()")
        .execute(&mut *lock)
        .await
        .unwrap();
    let mut promoter = here.clone();
    let mut resume = Box::pin(promoter.resume_sales("hoped"));
    assert!(poll!(&mut resume).is_pending());
    let observer_ref = tokio::sync::Mutex::new(&mut observer);
    eventually(LIMIT, "the end of the stop waits for the log", || async {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        )
        .fetch_one(&mut **observer_ref.lock().await)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    // Decided on top of it, as soon as it arrives; a few round trips later it has.
    let request = claim_request("hoped", "given-up", 1);
    let mut claimant = here.clone();
    let mut given_up = Box::pin(claimant.commands.claim_tickets(request.clone()));
    assert!(poll!(&mut given_up).is_pending());
    for _ in 0..5 {
        assert!(here.claim("no-such-pool", "probe", 1).await.is_err());
    }
    drop(given_up);
    for _ in 0..5 {
        assert!(here.claim("no-such-pool", "probe", 1).await.is_err());
    }
    let refused = there.commands.claim_tickets(request).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(Reason::SalesStopped));
    lock.commit().await.unwrap();
    resume.await.unwrap();

    here.claim("hoped", "after", 1).await.unwrap();
    let customers: Vec<String> = sqlx::query_scalar(
        "SELECT data ->> 'customer' FROM onsale_log.events WHERE type = 'TicketClaimed' ORDER BY position",
    )
    .fetch_all(&mut observer)
    .await
    .unwrap();
    assert_eq!(customers, ["after"]);
}
