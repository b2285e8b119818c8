use onsale_shared::{
    event::{CommandHash, PoolEvent, ReleaseCause, StopMode, TicketBought, TicketRefunded},
    id::RequestId,
};
use uuid::Uuid;

use super::*;
use crate::domain::{Rejection, commands::testing::*};

/// Each pair: what happened, and what cannot happen then.
fn impossible() -> Vec<(Vec<PoolEvent>, PoolEvent)> {
    let yen = PoolEvent::PricingChanged(onsale_shared::event::PricingChanged {
        pricing: onsale_shared::pricing::Pricing::fixed(onsale_shared::money::Amount {
            currency: onsale_shared::money::Currency::parse("JPY").unwrap(),
            ..euros(1)
        }),
    });
    let full: Vec<_> = [created()].into_iter().chain(sold(CAPACITY)).collect();
    let held = vec![created(), claimed(1, 1)];
    let expired = vec![
        created(),
        claimed(1, 1),
        released(1, 1, ReleaseCause::Expired),
    ];
    let [replacing, _] = reclaimed(1, 2, 1, 0);
    let paid_late: Vec<_> = expired
        .iter()
        .cloned()
        .chain(reclaimed(1, 2, 1, 0))
        .collect();
    let [replacing_again, _] = reclaimed(1, 3, 1, 0);
    let sold_one = vec![created(), claimed(1, 1), bought(1, 1)];
    vec![
        (vec![], claimed(1, 1)),
        (vec![created()], created()),
        (full, claimed(1, 1)),
        (held.clone(), claimed(1, 1)),
        (held.clone(), of_customer("customer-2", claimed(1, 2))),
        (held.clone(), bought(1, 2)),
        (held.clone(), bought(2, 1)),
        (held.clone(), released(1, 2, ReleaseCause::Customer)),
        (held.clone(), refunded(1, 1)),
        (held.clone(), of_customer("customer-2", bought(1, 1))),
        (held.clone(), for_a_cent(bought(1, 1))),
        (
            vec![
                created(),
                claimed(1, 1),
                of_customer("customer-2", claimed(2, 2)),
            ],
            of_customer("customer-2", released(1, 1, ReleaseCause::Customer)),
        ),
        (sold_one.clone(), of_customer("customer-2", refunded(1, 1))),
        (sold_one, for_a_cent(refunded(1, 1))),
        (held.clone(), replacing.clone()),
        (held.clone(), capacity_changed(0)),
        (held.clone(), extended(1, 2, 17)),
        (held.clone(), extended(2, 1, 17)),
        (held.clone(), extended(1, 0, 17)),
        (held.clone(), extended_from(11, 1, 17)),
        (
            vec![created(), claimed(1, 1), bought(1, 1)],
            extended(1, 0, 17),
        ),
        (held.clone(), extended(1, 1, CLAIM_MINUTES - 1)),
        (
            vec![created(), claimed(1, 1), extended(1, 1, 17)],
            extended(1, 1, 27),
        ),
        (
            held.clone(),
            of_customer("customer-2", released(1, 1, ReleaseCause::Customer)),
        ),
        (expired.clone(), claimed(1, 2)),
        (expired, bought(1, 1)),
        (vec![created()], replacing),
        (paid_late, replacing_again),
        (
            vec![created(), claimed(1, 1), bought(1, 1), refunded(1, 1)],
            refunded(1, 1),
        ),
        (vec![created()], resumed()),
        (
            vec![created(), stopped(StopMode::VoidClaims)],
            stopped(StopMode::FinishClaims),
        ),
        (
            vec![created(), stopped(StopMode::FinishClaims)],
            stopped(StopMode::FinishClaims),
        ),
        (vec![created(), cancelled()], cancelled()),
        (vec![created(), cancelled()], price_changed(1)),
        (vec![created(), cancelled()], claimed(1, 1)),
        (vec![created()], yen),
    ]
}

/// All that rules read, as text; hash maps have no order of their own.
fn parts_of(pool: &Pool) -> Vec<char> {
    let parts = format!(
        "{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
        pool.limits,
        pool.stock,
        pool.claims,
        pool.customers,
        pool.pricing,
        pool.sale,
        pool.schedule,
        pool.sales
    );
    let mut letters: Vec<_> = parts.chars().collect();
    letters.sort_unstable();
    letters
}

/// The same event at another price.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test asks for the few kinds that it is about"
)]
fn for_a_cent(event: PoolEvent) -> PoolEvent {
    let unit_price = euros(1).minor;
    match event {
        PoolEvent::TicketBought(data) => {
            PoolEvent::TicketBought(TicketBought { unit_price, ..data })
        }
        PoolEvent::TicketRefunded(data) => {
            PoolEvent::TicketRefunded(TicketRefunded { unit_price, ..data })
        }
        other => unreachable!("{other:?} has no price here"),
    }
}

#[test]
fn what_cannot_have_happened_marks_the_pool_and_nothing_else_does() {
    for (events, contradiction) in impossible() {
        let mut pool = fold(&events);
        assert_eq!(pool.corrupted_at(), None, "{events:?}");
        let at = pool.version().next();
        fold_one(&mut pool, &contradiction, at.get(), minute(0));
        assert_eq!(pool.corrupted_at(), Some(at), "{contradiction:?}");
        assert_eq!(pool.version(), at, "it goes on counting");
        assert_eq!(
            parts_of(&pool),
            parts_of(&fold(&events)),
            "{contradiction:?} changed something"
        );
    }
}

#[test]
fn a_marked_pool_keeps_its_first_mark_and_refuses_everything() {
    let events = [
        created(),
        claimed(1, 1),
        bought(1, 9),
        bought(1, 9),
        bought(1, 1),
    ];
    let version = Version::new(3).unwrap();
    for command in [claim(1), buy(1, &[]), stop(StopMode::VoidClaims), cancel()] {
        Given::events(events.clone())
            .when(command)
            .refused(&Rejection::PoolCorrupted { version });
    }
    let pool = fold(&events);
    let counts = pool.stock.counts();
    assert_eq!(
        (counts.sold, counts.held),
        (0, 1),
        "nothing is folded from it on"
    );
}

#[test]
fn an_event_that_cannot_be_read_marks_the_pool() {
    let mut pool = fold(&[created()]);
    let at = Version::new(2).unwrap();
    pool.mark_corrupted(at);
    pool.mark_corrupted(at.next());
    assert_eq!(pool.corrupted_at(), Some(at));
    assert_eq!(pool.version(), at.next());
}

/// An extension of a claim that has another deadline.
fn extended_from(old: i64, held: u32, until: i64) -> PoolEvent {
    let PoolEvent::ClaimExtended(extended) = extended(1, held, until) else {
        unreachable!("extended() extends")
    };
    PoolEvent::ClaimExtended(onsale_shared::event::ClaimExtended {
        old_expire_time: minute(old),
        ..extended
    })
}

/// Folds an event of a request.
fn fold_for(pool: &mut Pool, request: u128, event: &PoolEvent, hash: Option<u128>, minutes: i64) {
    let version = pool.version().next();
    pool.evolve(&Entry {
        event,
        id: event_id(version.get()),
        version,
        position: None,
        time: minute(minutes),
        request: Some(RequestId(Uuid::from_u128(request))),
        command_hash: hash.map(CommandHash),
        actor: None,
    });
}

fn remembered(pool: &Pool, request: u128) -> Option<crate::domain::partials::Remembered> {
    pool.requests.get(RequestId(Uuid::from_u128(request)))
}

#[test]
fn a_command_is_remembered_with_its_hash_version_time_and_claim() {
    let mut pool = fold(&[created()]);
    fold_for(&mut pool, 1, &claimed(5, 1), Some(77), 3);
    fold_for(&mut pool, 1, &claimed(5, 2), None, 3);
    fold_for(&mut pool, 2, &stopped(StopMode::FinishClaims), None, 4);
    let first = remembered(&pool, 1).unwrap();
    assert_eq!(first.hash, Some(CommandHash(77)));
    assert_eq!(first.version.get(), 3, "of its last event");
    assert_eq!(first.time, minute(3));
    assert_eq!(first.claim, Some(claim_id(5)));
    let second = remembered(&pool, 2).unwrap();
    assert_eq!((second.hash, second.claim), (None, None));
    assert_eq!(remembered(&pool, 3), None);
}

#[test]
fn a_command_is_about_the_claim_that_its_events_name() {
    let about = |events: &[PoolEvent], event: PoolEvent| {
        let mut pool = fold(events);
        fold_for(&mut pool, 1, &event, None, 0);
        remembered(&pool, 1).unwrap().claim
    };
    let held = [created(), claimed(1, 1)];
    assert_eq!(about(&held, extended(1, 1, 17)), Some(claim_id(1)));
    assert_eq!(about(&held, bought(1, 1)), Some(claim_id(1)));
    assert_eq!(
        about(&held, released(1, 1, ReleaseCause::Customer)),
        Some(claim_id(1))
    );
    assert_eq!(
        about(&held, released(1, 1, ReleaseCause::Expired)),
        None,
        "by the way"
    );
}

#[test]
fn a_command_is_remembered_for_a_day_and_then_forgotten() {
    let day = 24 * 60;
    let mut pool = fold(&[created()]);
    fold_for(&mut pool, 1, &claimed(5, 1), None, 0);
    fold_for(&mut pool, 2, &claimed(6, 2), None, day);
    assert!(remembered(&pool, 1).is_some(), "for a whole day");
    fold_for(&mut pool, 3, &claimed(7, 3), None, day + 1);
    assert!(remembered(&pool, 1).is_none());
    assert!(remembered(&pool, 2).is_some());
}

#[test]
fn commands_learn_their_positions_when_their_batch_is_in_the_log() {
    let mut pool = fold(&[created()]);
    let position = |pool: &Pool, request: u128| {
        remembered(pool, request)
            .unwrap()
            .position
            .map(Position::get)
    };
    let base = pool.version();
    pool.begin(Some(Mark(1)));
    fold_for(&mut pool, 1, &claimed(1, 1), Some(1), 0);
    fold_for(&mut pool, 1, &claimed(1, 2), Some(1), 0);
    fold_for(&mut pool, 2, &claimed(2, 3), Some(2), 0);
    let last = pool.version();
    pool.begin(Some(Mark(2)));
    fold_for(&mut pool, 3, &claimed(3, 4), Some(3), 0);
    assert_eq!(position(&pool, 1), None, "on its way");
    pool.keep(Mark(1), base, last, Position::new(70).unwrap());
    assert_eq!(position(&pool, 1), Some(71), "of its last event");
    assert_eq!(position(&pool, 2), Some(72));
    assert_eq!(position(&pool, 3), None, "of the next batch");
    pool.undo(Mark(2));
    assert_eq!(pool.version(), last);
    assert_eq!(position(&pool, 2), Some(72), "kept for good");
}

/// Undoing costs in proportion to the batch: copies of this state, a thousand of them, would take minutes.
#[test]
fn a_thousand_rejected_batches_leave_a_large_pool_as_it_was() {
    const SOLD: u128 = 100_000;
    let created = created_with(|created| created.capacity *= 100_000);
    let mut pool = fold(&[created]);
    let next = |pool: &mut Pool, event: PoolEvent| {
        let version = pool.version().next().get();
        fold_one(pool, &event, version, minute(0));
    };
    for n in 1..=SOLD {
        next(&mut pool, claimed(n, n));
        next(&mut pool, bought(n, n));
    }
    let bytes = |pool: &Pool| pool.to_snapshot().unwrap().unwrap();
    let before = bytes(&pool);
    for batch in 1..=1_000 {
        let mark = Mark(batch);
        pool.begin(Some(mark));
        for n in SOLD + 1..=SOLD + 10 {
            next(&mut pool, claimed(n, n));
            next(&mut pool, bought(n, n));
        }
        next(&mut pool, refunded(1, 1));
        pool.undo(mark);
    }
    let after = bytes(&pool);
    assert!(before == after);
    next(&mut pool, refunded(1, 1));
    assert_eq!(pool.corrupted_at(), None, "it goes on");
}
