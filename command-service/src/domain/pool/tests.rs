use onsale_shared::{
    event::{CommandHash, PoolEvent, ReleaseCause, StopMode},
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
        (held.clone(), replacing.clone()),
        (held.clone(), capacity_changed(0)),
        (held.clone(), extended(1, 2, 17)),
        (held.clone(), extended(2, 1, 17)),
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
        (vec![created(), cancelled()], cancelled()),
        (vec![created(), cancelled()], price_changed(1)),
        (vec![created(), cancelled()], claimed(1, 1)),
        (vec![created()], yen),
    ]
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
    assert_eq!(pool.stock.counts().sold, 1, "nothing is folded after it");
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

#[test]
fn commands_learn_their_positions_when_their_batch_is_in_the_log() {
    let mut pool = fold(&[created()]);
    let fold_for = |pool: &mut Pool, request: u128, event: &PoolEvent| {
        let version = pool.version().next();
        pool.evolve(&Entry {
            event,
            id: event_id(version.get()),
            version,
            position: None,
            time: minute(0),
            request: Some(RequestId(Uuid::from_u128(request))),
            command_hash: Some(CommandHash(request)),
            actor: None,
        });
    };
    let position = |pool: &Pool, request: u128| {
        let known = pool.requests.get(RequestId(Uuid::from_u128(request)));
        known.unwrap().position.map(Position::get)
    };
    let base = pool.version();
    pool.begin(Some(Mark(1)));
    fold_for(&mut pool, 1, &claimed(1, 1));
    fold_for(&mut pool, 1, &claimed(1, 2));
    fold_for(&mut pool, 2, &claimed(2, 3));
    let last = pool.version();
    pool.begin(Some(Mark(2)));
    fold_for(&mut pool, 3, &claimed(3, 4));
    assert_eq!(position(&pool, 1), None, "on its way");
    pool.keep(Mark(1), base, last, Position::new(70).unwrap());
    assert_eq!(position(&pool, 1), Some(71), "of its last event");
    assert_eq!(position(&pool, 2), Some(72));
    assert_eq!(position(&pool, 3), None, "of the next batch");
    pool.undo(Mark(2));
    assert_eq!(pool.version(), last);
    assert_eq!(position(&pool, 2), Some(72), "kept for good");
}
