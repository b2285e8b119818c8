use onsale_proto::reason::Reason;
use tonic_types::StatusExt as _;

use super::*;

/// The fields that are refused.
pub(in crate::grpc) fn fields(refused: Violations) -> Vec<String> {
    let status = Status::from(refused);
    assert_eq!(
        onsale_proto::status::reason_of(&status),
        Some(Reason::InvalidField)
    );
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    violations.iter().map(|v| v.field.clone()).collect()
}

fn watch(pools: &[&str]) -> v1::WatchAvailabilityRequest {
    v1::WatchAvailabilityRequest {
        pools: pools.iter().map(|&pool| pool.to_owned()).collect(),
        ..Default::default()
    }
}

#[test]
fn a_read_names_a_pool_and_perhaps_a_token() {
    let token = ConsistencyToken::new(Position::new(7).unwrap()).encode();
    let read = get_pool(&v1::GetPoolRequest {
        name: "pools/opening-night".into(),
        at_least_as_fresh: token,
    })
    .unwrap();
    assert_eq!(read.pool.as_str(), "opening-night");
    assert_eq!(read.required.get(), 7);
}

#[test]
fn every_violation_of_a_read_is_in_one_answer() {
    for name in [
        "",
        "opening-night",
        "pools/",
        "pools/a",
        "pools/A-B-C",
        "pools/abc/claims/x",
    ] {
        let refused = get_availability(&v1::GetAvailabilityRequest {
            pool: name.into(),
            at_least_as_fresh: "x".into(),
        });
        assert_eq!(
            fields(refused.unwrap_err()),
            ["pool", "at_least_as_fresh"],
            "{name}"
        );
    }
}

#[test]
fn a_stream_has_its_defaults() {
    let asked = watch_availability(&watch(&["pools/aaa", "pools/bbb"])).unwrap();
    assert_eq!(asked.min_interval, MIN_INTERVAL_DEFAULT);
    assert_eq!((asked.required, asked.seen), (Position::START, None));
}

#[test]
fn every_violation_of_a_stream_is_in_one_answer() {
    let refused = watch_availability(&v1::WatchAvailabilityRequest {
        pools: vec!["pools/aaa".into(), "x".into(), "pools/aaa".into()],
        min_interval: Some(prost_types::Duration {
            seconds: 0,
            nanos: 19_999_999,
        }),
        at_least_as_fresh: "x".into(),
        resume_token: "x".into(),
    });
    let refused = fields(refused.unwrap_err());
    assert_eq!(
        refused,
        ["pools[1]", "pools[2]", "min_interval", "at_least_as_fresh"]
    );
    let refused = watch_availability(&v1::WatchAvailabilityRequest {
        resume_token: "x".into(),
        ..watch(&["pools/aaa"])
    });
    assert_eq!(fields(refused.unwrap_err()), ["resume_token"]);
}

#[test]
fn a_stream_names_1_to_100_pools() {
    assert_eq!(
        fields(watch_availability(&watch(&[])).unwrap_err()),
        ["pools"]
    );
    let names: Vec<_> = (0..101).map(|i| format!("pools/pool-{i}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(
        fields(watch_availability(&watch(&names)).unwrap_err()),
        ["pools"]
    );
    assert_eq!(
        watch_availability(&watch(&names[..100]))
            .unwrap()
            .pools
            .len(),
        100
    );
}

#[test]
fn a_hostile_request_does_not_get_a_huge_answer() {
    let names = vec![""; 100_000];
    assert_eq!(
        fields(watch_availability(&watch(&names)).unwrap_err()).len(),
        101
    );
}

#[test]
fn intervals_are_between_20_milliseconds_and_a_minute() {
    let of = |seconds, nanos| min_interval(Some(&prost_types::Duration { seconds, nanos }));
    assert!(of(0, 20_000_000).is_ok() && of(60, 0).is_ok());
    for (seconds, nanos) in [
        (0, 0),
        (60, 1),
        (-1, 0),
        (1, -1),
        (0, 1_000_000_000),
        (i64::MAX, 0),
        (0, i32::MIN),
    ] {
        assert!(of(seconds, nanos).is_err(), "{seconds} {nanos}");
    }
}
