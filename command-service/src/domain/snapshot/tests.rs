use std::{sync::mpsc, time::Duration};

use onsale_shared::{
    event::{CommandHash, Limits, PoolEvent, ReleaseCause, StopMode},
    id::RequestId,
    log::Position,
    time::Timestamp,
};
use uuid::Uuid;

use super::*;
use crate::domain::{Entry, commands::testing::*, journal::Mark, partials::Claims};

/// Folds events of as many requests, a minute apart, from a time on.
fn fold_from(pool: &mut Pool, start: Timestamp, events: &[PoolEvent]) {
    let mut time = start;
    for event in events {
        let version = pool.version().next().get();
        let request = RequestId(Uuid::from_u128(version.try_into().unwrap()));
        fold_of(pool, request, time, event);
        time = time.plus(Duration::from_secs(60));
    }
}

/// Folds the first event of a request.
fn fold_of(pool: &mut Pool, request: RequestId, time: Timestamp, event: &PoolEvent) {
    let hash = CommandHash(request.0.as_u128() << 64 | 7);
    fold_with(pool, request, Some(hash), time, event);
}

/// Later events of a request have no hash of it.
fn fold_with(
    pool: &mut Pool,
    request: RequestId,
    command_hash: Option<CommandHash>,
    time: Timestamp,
    event: &PoolEvent,
) {
    let version = pool.version().next();
    pool.evolve(&Entry {
        event,
        id: event_id(version.get()),
        version,
        position: Position::new(version.get() + 10),
        time,
        request: Some(request),
        command_hash,
        actor: Some("promoter-1"),
    });
}

/// A pool to which everything has happened that leaves a trace.
fn a_pool_of_all_kinds() -> Pool {
    let mut pool = Pool::default();
    let [in_its_place, bought_late] = reclaimed(5, 7, 6, 40);
    fold_from(
        &mut pool,
        minute(0),
        &[
            created(),
            claimed(1, 1),
            claimed(1, 2),
            extended(1, 2, 17),
            bought(1, 1),
            claimed(2, 3),
            bought(2, 3),
            refunded(2, 3),
            claimed(3, 4),
            released(3, 4, ReleaseCause::Expired),
            capacity_changed(11),
            stopped(StopMode::VoidClaims),
            released(1, 2, ReleaseCause::Stopped),
            resumed(),
            claimed(4, 5),
            claimed(5, 6),
            released(5, 6, ReleaseCause::Expired),
            in_its_place,
            bought_late,
            claimed(6, 8),
            released(6, 8, ReleaseCause::Customer),
            command_refused("SOLD_OUT"),
            claimed(7, 9),
            released(7, 9, ReleaseCause::Operator),
        ],
    );
    assert_eq!(pool.corrupted_at(), None);
    pool
}

fn snapshot(pool: &Pool) -> Snapshot {
    pool.to_snapshot().unwrap().unwrap()
}

fn restored(snapshot: &Snapshot) -> Pool {
    let mut pool = Pool::from_snapshot(&snapshot.lasting).unwrap();
    recall_claims(&mut pool, &snapshot.claims).unwrap();
    pool.recall_requests(snapshot.requests.clone().into())
        .unwrap();
    pool
}

/// In pieces that are smaller than any frame.
fn recall_claims(pool: &mut Pool, bytes: &[u8]) -> Result<(), Damaged> {
    let (pieces, coming) = mpsc::channel();
    for piece in bytes.chunks(7) {
        pieces.send(piece.to_vec()).unwrap();
    }
    drop(pieces);
    pool.recall_claims(&coming)
}

/// If this fails, the layout has changed, or what `evolve` makes of these events: raise [`STATE_VERSION`], and put the
/// new version with the new hash here. Services that still run then ignore each other's snapshots, and nothing is lost.
#[test]
fn another_layout_has_another_state_version() {
    let mut pool = a_pool_of_all_kinds();
    let on_sale = snapshot(&pool);
    let released = released(4, 5, ReleaseCause::Cancelled);
    fold_from(&mut pool, minute(60), &[cancelled(), released]);
    let layout = [on_sale, snapshot(&pool)].map(|snapshot| {
        let parts = [snapshot.lasting, snapshot.claims, snapshot.requests];
        parts.map(|bytes| crc32fast::hash(&bytes))
    });
    assert_eq!(
        (STATE_VERSION, layout),
        (
            5,
            [
                [727190094, 1139655979, 1831659726],
                [897044969, 1942191126, 1757053623]
            ]
        )
    );
}

#[test]
fn a_pool_is_read_back_as_it_was() {
    let pool = a_pool_of_all_kinds();
    let written = snapshot(&pool);
    let read = restored(&written);
    assert_eq!(snapshot(&read), written);
    assert_eq!((read.version(), read.time()), (pool.version(), pool.time()));
    assert_eq!(read.stock.counts(), pool.stock.counts());
    assert_eq!(read.claims.next_deadline(), pool.claims.next_deadline());
    assert_eq!(
        read.claims.of_ticket(ticket_id(3)),
        pool.claims.of_ticket(ticket_id(3)),
        "refunded, and known to be"
    );
    let refused = RequestId(Uuid::from_u128(22));
    let known = read.refused.known(refused, pool.time());
    assert_eq!(known, pool.refused.known(refused, pool.time()));
    assert_eq!(known.map(|known| &*known.reason), Some("SOLD_OUT"));
    let request = RequestId(Uuid::from_u128(5));
    assert!(read.requests.get(request).is_some());
    assert_eq!(read.requests.get(request), pool.requests.get(request));
}

/// Of a claim that was over, was paid late and refunded, all in one moment, while another one ended.
#[test]
fn a_claim_that_ended_twice_in_one_moment_is_written_where_it_ended_last() {
    let mut lived = Pool::default();
    let at = minute(0);
    let [in_its_place, bought_late] = reclaimed(1, 3, 1, 40);
    let ended_once = [
        created(),
        claimed(1, 1),
        claimed(2, 2),
        released(1, 1, ReleaseCause::Expired),
        in_its_place,
        bought_late,
        released(2, 2, ReleaseCause::Expired),
    ];
    for event in ended_once {
        fold_from(&mut lived, at, &[event]);
    }
    let written = snapshot(&lived);
    let mut restored = restored(&written);
    for pool in [&mut lived, &mut restored] {
        fold_from(pool, at, &[refunded(1, 3)]);
        assert_eq!(pool.corrupted_at(), None);
    }
    assert_eq!(snapshot(&restored), snapshot(&lived));
}

#[test]
fn what_is_forgotten_is_not_written() {
    let mut pool = a_pool_of_all_kinds();
    let before = snapshot(&pool);
    let last_end = pool.time().plus(Claims::KEPT_FOR);
    assert!(before.recent_until >= pool.time().plus(Requests::KEPT_FOR));
    assert!(before.recent_until >= last_end);
    // Each event clears away two at most.
    let later = before.recent_until.plus(Duration::from_secs(1));
    fold_from(&mut pool, later, &[capacity_changed(12)]);
    let after = snapshot(&pool);
    let left = after.claims.len() + after.requests.len();
    assert!(left < 100, "{left} bytes");
    let over = [2, 3, 6, 7].map(claim_id);
    assert!(over.iter().all(|id| pool.claims.get(*id).is_none()));
    let cleared = over.len() - (pool.claims.iter().count() - 3);
    assert_eq!(cleared, 2, "the others are forgotten all the same");
    let requests = [1, 5, 9].map(|id| RequestId(Uuid::from_u128(id)));
    let time = pool.time();
    assert!(
        requests
            .iter()
            .all(|id| pool.requests.known(*id, time).is_none())
    );
    assert!(requests.iter().any(|id| pool.requests.get(*id).is_some()));
}

#[test]
fn without_what_is_recent_nothing_else_is_missing() {
    let pool = a_pool_of_all_kinds();
    let written = snapshot(&pool);
    let read = Pool::from_snapshot(&written.lasting).unwrap();
    let again = snapshot(&read);
    assert_eq!(again.lasting, written.lasting);
    assert!(read.claims.get(claim_id(1)).is_some());
    assert!(read.claims.get(claim_id(3)).is_none());
    assert!(read.requests.get(RequestId(Uuid::from_u128(2))).is_none());
}

#[test]
fn a_pool_that_does_not_exist_or_contradicts_itself_has_no_snapshot() {
    assert_eq!(Pool::default().to_snapshot().unwrap(), None);
    let mut pool = a_pool_of_all_kinds();
    pool.mark_corrupted(pool.version().next());
    assert_eq!(pool.to_snapshot().unwrap(), None);
}

#[test]
fn bytes_that_end_early_or_late_are_damaged() {
    let written = snapshot(&a_pool_of_all_kinds());
    for end in 0..written.lasting.len() {
        let cut = &written.lasting[..end];
        assert!(Pool::from_snapshot(cut).is_err(), "cut at {end}");
    }
    for end in 1..written.claims.len() {
        let cut = &written.claims[..end];
        let claims = recall_claims(&mut Pool::default(), cut);
        assert!(claims.is_err(), "cut at {end}");
    }
    let recalled = |bytes: Vec<u8>| Pool::default().recall_requests(bytes.into());
    for end in 0..written.requests.len() {
        let cut = written.requests[..end].to_vec();
        assert!(recalled(cut).is_err(), "cut at {end}");
    }
    recalled(written.requests.clone()).unwrap();
    let longer = [&written.lasting[..], &[0]].concat();
    assert!(Pool::from_snapshot(&longer).is_err());
    assert!(recalled([&written.requests[..], &[0]].concat()).is_err());
}

/// A day and an hour after everything that happened, the pool as it is and as it is loaded.
fn a_day_later(pool: &Pool) -> (Timestamp, [Pool; 2]) {
    let written = snapshot(pool);
    let loaded = Pool::from_snapshot(&written.lasting).unwrap();
    let later = pool.time().plus(Duration::from_hours(25));
    assert!(written.recent_until < later);
    (later, [pool.clone(), loaded])
}

#[test]
fn what_was_forgotten_stays_so_however_long_claims_can_be_paid_from_now_on() {
    let (later, pools) = a_day_later(&a_pool_of_all_kinds());
    let long = limits_changed(Limits {
        late_purchase_window: Duration::from_hours(24 * 7),
        ..limits()
    });
    for mut pool in pools {
        // Released at its deadline a day ago: it could be paid now.
        fold_from(&mut pool, later, std::slice::from_ref(&long));
        assert!(pool.claims.get(claim_id(3)).is_none());
    }
}

#[test]
fn a_command_that_was_forgotten_and_is_recorded_again_is_remembered_anew() {
    let (later, pools) = a_day_later(&a_pool_of_all_kinds());
    let id = RequestId(Uuid::from_u128(5));
    for mut pool in pools {
        assert_eq!(pool.requests.known(id, later), None);
        fold_of(&mut pool, id, later, &capacity_changed(12));
        let version = pool.version();
        let until = later.plus(Requests::KEPT_FOR);
        let known = pool.requests.known(id, until).map(|known| known.version);
        assert_eq!(known, Some(version));
        // Its first place among the remembered does not take it away.
        for _ in 0..20 {
            fold_from(&mut pool, until, &[capacity_changed(13)]);
        }
        assert!(pool.requests.known(id, until).is_some());
        let forgotten = until.plus(Duration::from_micros(1));
        assert_eq!(pool.requests.known(id, forgotten), None);
    }
}

#[test]
fn claims_that_are_over_are_read_back_from_more_frames_than_one() {
    let mut pool = Pool::default();
    fold_from(&mut pool, minute(0), &[created()]);
    for n in 1..=1_100 {
        let at = pool.time();
        let events = [claimed(n, n), released(n, n, ReleaseCause::Customer)];
        fold_from(&mut pool, at, &events);
    }
    assert_eq!(pool.corrupted_at(), None);
    let read = restored(&snapshot(&pool));
    assert_eq!(read.claims.iter().count(), 1_100);
    assert_eq!(snapshot(&read), snapshot(&pool));
}

#[test]
fn a_command_whose_events_a_snapshot_divides_is_remembered_as_one() {
    let request = RequestId(Uuid::from_u128(77));
    let mut lived = a_pool_of_all_kinds();
    let at = lived.time().plus(Duration::from_secs(1));
    fold_of(&mut lived, request, at, &claimed(8, 10));
    let mut read = restored(&snapshot(&lived));
    for pool in [&mut lived, &mut read] {
        fold_with(pool, request, None, at, &claimed(8, 11));
    }
    let remembered = read.requests.known(request, at).unwrap();
    assert_eq!(remembered.version, read.version());
    assert_eq!(remembered.claim, Some(claim_id(8)));
    assert!(remembered.hash.is_some());
    assert_eq!(lived.requests.known(request, at), Some(remembered));
    assert_eq!(snapshot(&read), snapshot(&lived));
    assert_eq!(snapshot(&restored(&snapshot(&read))), snapshot(&lived));
}

#[test]
fn commands_of_a_snapshot_are_remembered_for_a_day_and_taken_back_with_the_batch_that_forgot_them()
{
    let mut read = restored(&snapshot(&a_pool_of_all_kinds()));
    let last = RequestId(Uuid::from_u128(
        u128::try_from(read.version().get()).unwrap(),
    ));
    let decided = read.requests.get(last).unwrap().time;
    let until = decided.plus(Requests::KEPT_FOR);
    assert!(read.requests.known(last, until).is_some());
    let forgotten = until.plus(Duration::from_micros(1));
    assert_eq!(read.requests.known(last, forgotten), None);

    let before = snapshot(&read);
    read.begin(Some(Mark(1)));
    fold_of(
        &mut read,
        RequestId(Uuid::from_u128(78)),
        forgotten,
        &capacity_changed(12),
    );
    assert_eq!(read.requests.get(last), None, "its room is given back");
    read.undo(Mark(1));
    assert!(read.requests.known(last, until).is_some());
    assert_eq!(snapshot(&read), before);
}

#[test]
fn commands_that_are_not_as_they_are_written_are_damaged() {
    let written = snapshot(&a_pool_of_all_kinds()).requests;
    let read = |bytes: Vec<u8>| Pool::default().recall_requests(bytes.into());
    let (head, rows) = written.split_at(16);
    let (first, others) = rows.split_at(72);
    let (second, others) = others.split_at(72);
    read([head, first, second, others].concat()).unwrap();
    for wrong in [
        [head, second, first, others].concat(),
        [head, first, first, others].concat(),
        [head, &first[..48], &[255; 8], &first[56..], second, others].concat(),
        [&head[..8], &[255; 8], first, second, others].concat(),
    ] {
        assert!(read(wrong).is_err());
    }
}
