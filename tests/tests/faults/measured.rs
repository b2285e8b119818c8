//! What an instance measures of itself when another one sells the same pool.

use onsale_tests::{
    scrape::{free_address, scrape},
    system::System,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_append_under_the_lock_is_measured_as_one() {
    let mut system = System::start().await;
    let metrics = free_address().unwrap();
    let listen = metrics.to_string();
    let options = [("ONSALE_COMMAND_METRICS_LISTEN", listen.as_str())];
    system.add_command(&options).await;
    let (mut seller, mut other) = (system.caller_of(0).await, system.caller_of(1).await);
    seller.create_pool("shared", 100).await.unwrap();
    other.claim("shared", "first", 2).await.unwrap();
    // What the other instance knows of the pool is not all any more: it loses the race, and goes on under the lock.
    seller.claim("shared", "second", 2).await.unwrap();
    other.claim("shared", "third", 2).await.unwrap();
    let measured = scrape(metrics).await.unwrap();
    for (series, expected) in [
        ("onsale_conflicts_total", 1.0),
        ("onsale_take_overs_total", 1.0),
        ("onsale_append_seconds_count{path=\"locked\"}", 1.0),
        ("onsale_append_events_sum{path=\"locked\"}", 2.0),
    ] {
        assert_eq!(measured.value(series), Some(expected), "{series}");
    }
    let batches = measured.value("onsale_append_seconds_count{path=\"batch\"}");
    assert_eq!(batches, Some(2.0), "the first claim, and the one that lost");
}
