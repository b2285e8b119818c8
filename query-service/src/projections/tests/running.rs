//! A projection on one replica: from an event of the log to a row, and past what no event stands in the way of.

use onsale_shared::log::Position;

use super::given::{Given, SAMPLE};

#[tokio::test]
async fn a_projection_gets_its_tables_is_filled_and_follows() {
    let mut given = Given::new().await;
    given.append_many("early", 0, "SalesResumed", 900).await;
    let last = given.append_many("early", 900, "SalesResumed", 900).await;
    let mut running = given.run(&SAMPLE).await;
    running.reach(last).await;
    assert_eq!(given.counted("early").await, 1_800);
    for version in 0..20 {
        let at = given.append("live", version, "SalesResumed").await;
        running.reach(at).await;
        assert_eq!(given.counted("live").await, version + 1);
    }
    assert_eq!(given.counted("early").await, 1_800);
    drop(running);
    given.end().await;
}

#[tokio::test]
async fn both_kinds_of_bad_event_block_one_projection_after_all_that_is_before_them() {
    for (pool, kind, reason) in [
        ("newer", "TicketTeleported", "is not known to this version"),
        ("toxic", "SalesResumed", "23514"),
        ("panics", "SalesResumed", "panicked"),
    ] {
        let mut given = Given::new().await;
        given.append_many("good", 0, "SalesResumed", 321).await;
        let bad = given.append(pool, 0, kind).await;
        given.append_many("good", 321, "SalesResumed", 321).await;
        let mut running = given.run(&SAMPLE).await;
        let known = running.until(|known| known.blocked.is_some()).await;
        let blocked = known.blocked.unwrap();
        assert_eq!(blocked.position, bad);
        assert!(blocked.reason.contains(reason), "{}", blocked.reason);
        assert_eq!(known.progress.position.next(), bad);
        assert_eq!(given.counted("good").await, 321);
        let noted = "SELECT blocked_position FROM onsale_query.generations WHERE state = 'live'";
        assert_eq!(given.number(noted).await, bad.get());
        drop(running);
        given.end().await;
    }
}

#[tokio::test]
async fn a_projection_goes_on_when_its_code_can_read_the_event() {
    let mut given = Given::new().await;
    given.append("good", 0, "SalesResumed").await;
    given.append("toxic", 0, "SalesResumed").await;
    let last = given.append("good", 1, "SalesResumed").await;
    let mut running = given.run(&SAMPLE).await;
    running.until(|known| known.blocked.is_some()).await;
    // What blocks goes away; it is tried again from time to time, by itself.
    given
        .execute("ALTER TABLE onsale_query_sample_1.counted DROP CONSTRAINT counted_pool_check")
        .await;
    let known = running
        .until(|known| known.progress.position > Position::START && known.blocked.is_none())
        .await;
    assert!(known.progress.position.get() >= 2);
    running.reach(last).await;
    assert_eq!(given.counted("good").await, 2);
    assert_eq!(given.counted("toxic").await, 1);
    drop(running);
    given.end().await;
}
