//! Two versions of the service beside each other, each with a layout of its own.

use super::{POOL, a_long_pool, execute, pieces_are, snapshot_from, start};

/// As if versions of before and after had kept the pool's snapshot.
const OF_OTHERS: &str = "\
    INSERT INTO onsale_command.snapshots (pool, snapshot, state_version, version, last_event, lasting_size, lasting_crc, \
           claims_size, claims_crc, requests_size, requests_crc, recent_until) \
    SELECT pool, gen_random_uuid(), other, version, last_event, lasting_size, lasting_crc, \
           claims_size, claims_crc, requests_size, requests_crc, recent_until \
      FROM onsale_command.snapshots, unnest(ARRAY[1, 2, 9]) AS other; \
    INSERT INTO onsale_command.snapshot_pieces (snapshot, part, number, bytes) \
    SELECT snapshot, 'lasting', 1, 'of another layout' FROM onsale_command.snapshots WHERE state_version IN (1, 2, 9)";
/// The first of them has been gone for long.
const ONE_IS_OLD: &str = "UPDATE onsale_command.snapshots SET taken_at = now() - interval '25 hours' WHERE state_version = 1";
const LAYOUTS: &str = "(SELECT array_agg(state_version ORDER BY state_version) FROM onsale_command.snapshots WHERE state_version IN (1, 2, 9))";

#[tokio::test(flavor = "multi_thread")]
async fn each_layout_keeps_its_own_snapshot_until_nobody_has_used_it_for_a_day() {
    let (database, order, claim) = a_long_pool().await;
    let mut admin = database.admin().await;
    execute(&mut admin, OF_OTHERS).await;
    execute(&mut admin, ONE_IS_OLD).await;
    let before = snapshot_from(&mut admin, 1).await;
    let (service, mut caller) = start(&database).await;
    let again = caller.commands.claim_tickets(order).await.unwrap();
    assert_eq!(again.into_inner().claim.as_ref(), Some(&claim), "a repeat");
    assert_eq!(service.logged(super::IGNORED), 0, "ours is used");
    for n in 0..30 {
        let customer = format!("later-{n}");
        caller.claim(POOL, &customer, 4).await.unwrap();
    }
    snapshot_from(&mut admin, before + 1).await;
    pieces_are(&mut admin, &format!("{LAYOUTS} = ARRAY[2, 9]")).await;
    let of_each = "(SELECT count(*) = 2 FROM onsale_command.snapshot_pieces WHERE bytes = 'of another layout')";
    pieces_are(&mut admin, of_each).await;
}
