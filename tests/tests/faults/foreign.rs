//! An equal version is not an equal history: another instance's events bring the stream to the very version that the
//! next batch was decided for.

use std::time::Duration;

use onsale_proto::{reason::Reason, status::reason_of};
use onsale_tests::{proof, system::System, wait::eventually};
use sqlx::Connection as _;

const LIMIT: Duration = Duration::from_secs(20);

/// Two tickets claimed by somebody else, as `append` would have recorded them.
pub(super) const FOREIGN: &str = "
INSERT INTO onsale_log.events (position, version, event_id, time, recorded_at, schema, stream, type, data, metadata)
SELECT (SELECT max(position) FROM onsale_log.events) + n, (SELECT max(version) FROM onsale_log.events WHERE stream = $1) + n,
       gen_random_uuid(), clock_timestamp(), clock_timestamp(), 1, $1, 'TicketClaimed',
       json_build_object('claim', claim, 'ticket', gen_random_uuid(), 'customer', 'foreign', 'unit_price', 4999,
                         'expire_time', to_char(now() AT TIME ZONE 'UTC' + interval '1 hour', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')),
       '{}'
  FROM generate_series(1, 2) AS n, (SELECT gen_random_uuid() AS claim) AS c";

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_decided_on_a_lost_one_is_not_sent_though_foreign_events_restore_its_version() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    caller.create_pool("restored", 5).await.unwrap();
    let mut other = system.database.admin().await;
    let mut observer = system.database.admin().await;

    // Somebody else has the log: the first claim is sent and waits, the second is decided on top of it.
    let mut foreign = other.begin().await.unwrap();
    sqlx::raw_sql("SELECT onsale_log.lock()")
        .execute(&mut *foreign)
        .await
        .unwrap();
    let claim = |customer: &'static str| {
        let mut caller = caller.clone();
        tokio::spawn(async move { caller.claim("restored", customer, 2).await })
    };
    let first = claim("first");
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
    let second = claim("second");
    // Decided as soon as it arrives; a look at the read side is a round trip through the same processes.
    for _ in 0..20 {
        caller.availability("restored", "").await.unwrap();
    }
    // As many events as the first claim has: the version is the one that the second was decided for.
    sqlx::query(FOREIGN)
        .bind("pools/restored")
        .execute(&mut *foreign)
        .await
        .unwrap();
    foreign.commit().await.unwrap();

    let outcomes = [first.await.unwrap(), second.await.unwrap()];
    let claimed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| reason_of(outcome.as_ref().err()?))
        .collect();
    assert_eq!(
        (claimed, refused.as_slice()),
        (1, [Reason::InsufficientAvailability].as_slice()),
        "{outcomes:?}"
    );
    let proof = proof::of_pool(&mut observer, "restored").await;
    assert!(proof.is_sound(), "{proof:?}");
    assert_eq!(proof.held, 4, "{proof:?}");
}
