use std::time::Duration;

use onsale_shared::{
    event::{
        CommandHash, CommandMetadata, Metadata, PoolEvent, ReleaseCause, Schedule, Source,
        StopMode, encode,
    },
    id::{PoolId, RequestId},
    log::{AppendBatch, Group, NewEvent, Position, StreamName, Version, memory::MemoryLog},
};

use super::*;
use crate::domain::{commands::testing::*, properties::each_history};

/// An event, and the minute in which it was decided.
pub(super) type At = (i64, PoolEvent);

/// An event as recorded: when it was decided, and its metadata.
type Recorded = (i64, PoolEvent, Metadata);

/// A log with these events in the streams of pools.
pub(super) async fn log_of(pools: &[(&'static str, Vec<At>)]) -> MemoryLog {
    let without = |(at, event): &At| (*at, event.clone(), Metadata::default());
    let with =
        |(pool, events): &(&'static str, Vec<At>)| (*pool, events.iter().map(without).collect());
    log_with(&pools.iter().map(with).collect::<Vec<_>>()).await
}

/// As [`log_of`], each event with its metadata.
async fn log_with(pools: &[(&str, Vec<Recorded>)]) -> MemoryLog {
    let log = MemoryLog::new(minute(0));
    let mut ids = onsale_shared::id::Ids::from(uuid::Uuid::from_u128(1 << 64));
    for (pool, events) in pools {
        let stream = StreamName::of_pool(&PoolId::parse(pool).unwrap());
        for ((at, event, metadata), version) in events.iter().zip(0..) {
            let encoded = encode(event).unwrap();
            let new = NewEvent {
                id: ids.event(),
                kind: encoded.kind,
                schema: encoded.schema,
                time: minute(*at),
                data: encoded.data,
                metadata: metadata.to_json().unwrap(),
                origin: None,
            };
            let expected = Version::new(version).unwrap();
            let group = Group::of_stream(stream.clone(), expected, vec![new]);
            log.append(&AppendBatch::new(vec![group]).unwrap())
                .await
                .unwrap();
        }
    }
    log
}

async fn report_of(log: &MemoryLog) -> Report {
    verify_log(log).await.unwrap()
}

pub(super) fn at_once(events: impl IntoIterator<Item = PoolEvent>) -> Vec<At> {
    events.into_iter().map(|event| (0, event)).collect()
}

pub(super) fn a_whole_sale() -> Vec<At> {
    let mut events = at_once([created(), claimed(1, 1), claimed(1, 2), bought(1, 1)]);
    events.push((7, extended(1, 1, 17)));
    events.push((8, released(1, 2, ReleaseCause::Customer)));
    let rest = [
        refunded(1, 1),
        price_changed(1),
        capacity_changed(20),
        command_refused("PRICE_CHANGED"),
        stopped(StopMode::VoidClaims),
        resumed(),
        cancelled(),
        command_refused("TICKET_NOT_SOLD"),
    ];
    events.extend(rest.map(|event| (8, event)));
    events
}

#[tokio::test]
async fn a_log_in_which_everything_can_have_happened_is_sound() {
    let log = log_of(&[("abc", a_whole_sale()), ("xyz", at_once([created()]))]).await;
    let report = report_of(&log).await;
    assert!(report.is_sound(), "{report}");
    assert_eq!(
        report.to_string(),
        "15 events of 2 pools, up to position 15: all of it can have happened"
    );
}

/// A claim that is past its deadline when all is voided.
fn expired_then(cause: ReleaseCause) -> Vec<At> {
    let mut events = at_once([created(), claimed(1, 1)]);
    events.push((CLAIM_MINUTES, stopped(StopMode::VoidClaims)));
    events.push((CLAIM_MINUTES, released(1, 1, cause)));
    events.push((CLAIM_MINUTES, resumed()));
    events
}

#[tokio::test]
async fn what_had_expired_is_not_voided() {
    // As STOPPED it was released at first.
    for cause in [ReleaseCause::Expired, ReleaseCause::Stopped] {
        let log = log_of(&[("abc", expired_then(cause))]).await;
        let report = report_of(&log).await;
        assert!(report.is_sound(), "{report}");
    }
}

/// What the service records can have happened, whatever it is asked to do.
#[test]
fn the_model_accepts_what_random_stories_record() {
    each_history(500, |history| {
        let mut model = model::Model::default();
        for (fact, at, request) in history {
            let folded = model.fold(&fact.event, *request, *at);
            assert!(folded.is_ok(), "{folded:?}: {fact:?} in {history:#?}");
        }
    });
}

#[test]
fn nothing_of_a_command_is_recorded_after_it_was_refused_for_good() {
    let [refused, other] = [1, 2].map(|id| Some(RequestId(uuid::Uuid::from_u128(id))));
    let mut model = model::Model::default();
    let mut fold = |event: PoolEvent, request, at| model.fold(&event, request, at);
    fold(created(), other, minute(0)).unwrap();
    fold(command_refused("SOLD_OUT"), refused, minute(0)).unwrap();
    fold(limits_changed(limits()), other, minute(1)).unwrap();
    let day = Duration::from_hours(24);
    let forgotten = minute(0).plus(day + Duration::from_micros(1));
    for at in [minute(1), minute(0).plus(day)] {
        let wrong = fold(stopped(StopMode::FinishClaims), refused, at).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "its command was refused for good at 2027-01-15T08:00:00.000000Z"
        );
    }
    fold(stopped(StopMode::FinishClaims), refused, forgotten).unwrap();
}

/// Of one command's first event, or of a later one.
fn of_command(id: u128, is_first: bool) -> Metadata {
    let source = Source {
        service: "command-service".to_owned(),
        version: "1".to_owned(),
        instance: "one".to_owned(),
    };
    let command = is_first.then(|| CommandMetadata {
        command_hash: Some(CommandHash(id)),
        correlation_id: None,
        traceparent: None,
        actor: "anonymous".to_owned(),
        source,
    });
    Metadata {
        request_id: Some(RequestId(uuid::Uuid::from_u128(id))),
        causation_id: None,
        command,
    }
}

#[tokio::test]
async fn nothing_is_recorded_by_two_decisions_of_one_command() {
    const DAY: i64 = 24 * 60;
    let twice = |at: i64, event: PoolEvent| {
        vec![
            (0, created(), of_command(1, true)),
            (0, claimed(1, 1), of_command(2, true)),
            (0, claimed(1, 2), of_command(2, false)),
            (0, limits_changed(limits()), of_command(3, true)),
            (at, event, of_command(2, true)),
        ]
    };
    for again in [stopped(StopMode::FinishClaims), command_refused("SOLD_OUT")] {
        let log = log_with(&[("abc", twice(DAY, again.clone()))]).await;
        let report = report_of(&log).await;
        let [finding] = report.findings.told() else {
            panic!("{report}")
        };
        let wrong = "its command was recorded before, as version 3";
        assert_eq!((finding.version.get(), finding.wrong.as_str()), (5, wrong));
        let log = log_with(&[("abc", twice(DAY + 1, again))]).await;
        let report = report_of(&log).await;
        assert!(report.is_sound(), "forgotten by then: {report}");
    }
}

#[tokio::test]
async fn the_first_event_of_a_pool_that_cannot_have_happened_is_named_with_the_reason() {
    for (events, wrong) in cases() {
        let bad = events.len().max(2) - 1;
        let log = log_of(&[("sound", a_whole_sale()), ("bad", events)]).await;
        let report = report_of(&log).await;
        let [finding] = report.findings.told() else {
            panic!("{wrong}: {report}")
        };
        assert_eq!(finding.wrong, wrong);
        assert_eq!(finding.stream.as_str(), "pools/bad");
        let version = finding.version.get();
        assert_eq!(version, i64::try_from(bad).unwrap(), "{wrong}");
        assert_eq!(finding.position.get(), version + 14);
        let all = log.read(Position::START, usize::MAX).await.unwrap();
        let named = all.iter().find(|event| event.id == finding.id);
        assert_eq!(named.map(|event| event.position), Some(finding.position));
    }
}

/// `events`, then one decided at a minute, then another that cannot have happened either.
fn then(events: &[PoolEvent], at: i64, event: PoolEvent) -> Vec<At> {
    let mut events = at_once(events.iter().cloned());
    events.extend([(at, event), (at, bought(9, 9))]);
    events
}

/// Histories of a pool, each with what is wrong with its last event but one, or with its only one.
fn cases() -> Vec<(Vec<At>, &'static str)> {
    let full: Vec<_> = [created()].into_iter().chain(sold(CAPACITY)).collect();
    let held = [created(), claimed(1, 1)];
    let one_each = created_with(|pool| pool.limits.max_tickets_per_customer = 1);
    let one_an_order = created_with(|pool| pool.limits.max_tickets_per_order = 1);
    let window = created_with(|pool| {
        pool.schedule = Schedule {
            sales_start_time: Some(minute(1)),
            sales_end_time: Some(minute(2)),
            ..Schedule::default()
        }
    });
    let finished = [created(), stopped(StopMode::FinishClaims)];
    let voided = [created(), claimed(1, 1), stopped(StopMode::VoidClaims)];
    let bought_one = [created(), claimed(1, 1), bought(1, 1)];
    vec![
        (at_once([claimed(1, 1)]), "the pool was not created before"),
        (
            then(&[created()], 0, created()),
            "the pool was created before",
        ),
        (
            then(&full, 0, claimed(1, 1)),
            "more tickets are sold (10) and held (1) than there are (10)",
        ),
        (
            then(&held, 0, capacity_changed(0)),
            "more tickets are sold (0) and held (1) than there are (0)",
        ),
        (
            then(&held, 0, claimed(1, 1)),
            "the ticket was claimed before",
        ),
        (
            then(&held, 0, bought(1, 2)),
            "the ticket was not claimed before",
        ),
        (then(&held, 0, refunded(1, 1)), "the ticket was not sold"),
        (
            then(&bought_one, 10, released(1, 1, ReleaseCause::Expired)),
            "the ticket was not held",
        ),
        (
            then(&finished, 0, claimed(1, 1)),
            "sales were stopped before",
        ),
        (
            then(&finished, 0, stopped(StopMode::FinishClaims)),
            "sales were stopped before, as strongly",
        ),
        (
            then(&[created(), cancelled()], 0, claimed(1, 1)),
            "the pool was cancelled before",
        ),
        (then(&[created()], 0, resumed()), "sales were not stopped"),
        (
            then(&[one_each, claimed(1, 1)], 0, claimed(2, 2)),
            "the customer has 2 tickets, and one may have 1",
        ),
        (
            then(&[one_an_order, claimed(1, 1)], 0, claimed(1, 2)),
            "the order has 2 tickets, and one may have 1",
        ),
        (
            then(&held, 0, of_customer("customer-2", bought(1, 1))),
            "it belongs to another customer",
        ),
        (
            then(&held, 10, bought(1, 1)),
            "the claim ended at 2027-01-15T08:10:00.000000Z",
        ),
        (
            then(&held, 10, released(1, 1, ReleaseCause::Customer)),
            "the claim ended at 2027-01-15T08:10:00.000000Z",
        ),
        (
            then(&held, 9, released(1, 1, ReleaseCause::Expired)),
            "the claim ends at 2027-01-15T08:10:00.000000Z, and not before",
        ),
        (
            then(&held, 0, released(1, 1, ReleaseCause::Stopped)),
            "the claim was not voided before, or by something else",
        ),
        (
            then(&voided, 0, bought(1, 1)),
            "the claim was voided before",
        ),
        (
            then(&voided, 10, released(1, 1, ReleaseCause::Expired)),
            "the claim was voided before",
        ),
        (
            then(&held, 0, extended(1, 1, 11)),
            "the deadline is 2027-01-15T08:11:00.000000Z, and has to be 2027-01-15T08:10:00.000000Z",
        ),
        (
            then(&held, 7, extended(1, 2, 17)),
            "the claim holds 1 tickets, not 2",
        ),
        (
            then(std::slice::from_ref(&window), 0, claimed(1, 1)),
            "sales begin at 2027-01-15T08:01:00.000000Z",
        ),
        (
            then(&[window], 2, claimed_until(1, 1, minute(12))),
            "sales ended at 2027-01-15T08:02:00.000000Z",
        ),
        (
            then(&[created()], 1, claimed(1, 1)),
            "the deadline is 2027-01-15T08:10:00.000000Z, and has to be 2027-01-15T08:11:00.000000Z",
        ),
        (
            then(&[created(), price_changed(5_000)], 0, claimed(1, 1)),
            "the price is 4999, and has to be 5000, in minor units",
        ),
        (
            then(&bought_one, 0, of_customer("customer-2", refunded(1, 1))),
            "it belongs to another customer",
        ),
        // Nothing but the state knows which claim a sold ticket was bought by.
        (
            then(&bought_one, 0, refunded(2, 1)),
            "it contradicts the state that decides commands",
        ),
    ]
}
