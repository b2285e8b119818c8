//! The trace of refusals, as it is written.

use onsale_shared::{
    refusals::{self, Refusals, Sample, Selection},
    time::Timestamp,
};
use onsale_tests::database::TestDatabase;

/// So many refusals of a second; each sample says which one it is.
fn refused(count: u64, samples: &[&str]) -> Refusals {
    let sample = |request_id: &&str| Sample {
        time: Timestamp::from_micros(7),
        command: "ClaimTickets".to_owned(),
        request_id: (*request_id).to_owned(),
        correlation_id: None,
        actor: "anonymous".to_owned(),
        customer: Some("Zo\u{eb} said \"no\"".to_owned()),
        message: "sold out".to_owned(),
    };
    Refusals {
        second: Timestamp::from_micros(0),
        pool: "abc".to_owned(),
        reason: "SOLD_OUT".to_owned(),
        instance: "i".to_owned(),
        count,
        samples: samples.iter().map(sample).collect(),
    }
}

#[tokio::test]
async fn a_second_that_is_written_in_parts_has_the_first_samples_of_all() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin().await;
    let all = Selection {
        pool: None,
        reason: None,
        start: Timestamp::default(),
        end: Timestamp::MAX,
    };
    for (added, expected) in [
        (refused(1, &[]), refused(1, &[])),
        (refused(1, &["a"]), refused(2, &["a"])),
        (refused(9, &["b", "c", "d"]), refused(11, &["a", "b", "c"])),
        (refused(4, &["e", "f"]), refused(15, &["a", "b", "c"])),
    ] {
        refusals::add(&mut admin, &[added]).await.unwrap();
        let told = refusals::list(&mut admin, &all, None, 9).await.unwrap();
        assert_eq!(told, [expected]);
    }
}
