//! Which tickets a fact may be about.

use super::*;

/// Facts of the tickets that they name, from a pool that holds `unseen` tickets already.
fn told(unseen: u32, facts: &[PoolEvent]) -> Vec<Contradiction> {
    let (mut fold, mut log, pool) = (empty(), Log::default(), id("abc"));
    fold.apply(&log.record(&pool, &created(9))).unwrap();
    for _ in 0..unseen {
        fold.apply(&log.record(&pool, &claimed())).unwrap();
    }
    let known = fold.get(&pool).unwrap().clone();
    let mut fold = Fold::resume(fold.position(), [known]);
    let applied = facts.iter().map(|fact| {
        let event = log.record_as_it_is(&pool, fact);
        fold.apply(&event).unwrap().unwrap().corrupted_by
    });
    applied.flatten().collect()
}

#[test]
fn a_ticket_that_is_bought_or_released_is_one_that_is_held() {
    let claim = |number| of_ticket(claimed(), ticket(number));
    let buy = |number| of_ticket(bought(), ticket(number));
    let release = |number| of_ticket(released(), ticket(number));
    assert_eq!(told(0, &[claim(1), claim(2), buy(2), release(1)]), []);
    for stranger in [buy(3), release(3)] {
        let facts = [claim(1), stranger];
        assert_eq!(told(0, &facts), [Contradiction::NotHeld]);
    }
    let twice = [claim(1), claim(2), buy(1), buy(1)];
    assert_eq!(told(0, &twice), [Contradiction::NotHeld]);
    let refund = |number| of_ticket(refunded(), ticket(number));
    let refunded_twice = [claim(1), claim(2), buy(1), buy(2), refund(1), refund(1)];
    assert_eq!(told(0, &refunded_twice), [Contradiction::NotSold]);
    for claimed_twice in [vec![claim(1), claim(1)], vec![claim(1), buy(1), claim(1)]] {
        assert_eq!(told(0, &claimed_twice), [Contradiction::ClaimedAlready]);
    }
}

#[test]
fn tickets_are_told_apart_by_their_whole_ids() {
    let with_upper = |upper: u64| {
        let mut bytes = [7; 16];
        bytes[..8].copy_from_slice(&upper.to_be_bytes());
        of_bytes(bytes)
    };
    // Of two moments, and of one with other random bits.
    for other in [0x019a_0000_0001_7000, 0x019a_0000_0000_7001] {
        let two = [0x019a_0000_0000_7000, other].map(with_upper);
        let claims = two.map(|ticket| of_ticket(claimed(), ticket));
        let sales = two.map(|ticket| of_ticket(bought(), ticket));
        let facts: Vec<_> = claims.into_iter().chain(sales).collect();
        assert!(told(0, &facts).is_empty(), "{other:x}");
    }
}

#[test]
fn tickets_that_were_held_before_this_process_read_are_let_pass_as_often() {
    let claim = |number| of_ticket(claimed(), ticket(number));
    let buy = |number| of_ticket(bought(), ticket(number));
    assert_eq!(told(2, &[buy(1_001), claim(1), buy(1_002), buy(1)]), []);
    let facts = [claim(1), buy(1_001), buy(1_002)];
    assert_eq!(told(1, &facts), [Contradiction::NotHeld]);
}
