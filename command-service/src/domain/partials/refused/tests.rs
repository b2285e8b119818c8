use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::domain::{
    commands::testing::*,
    journal::{Journaled as _, Mark},
    partials::Requests,
};

const ID: RequestId = RequestId(Uuid::from_u128(5));

fn fold(part: &mut Refused, event: &PoolEvent, version: i64, time: Timestamp) {
    fold_of(part, ID, event, version, time);
}

fn fold_of(part: &mut Refused, id: RequestId, event: &PoolEvent, version: i64, time: Timestamp) {
    part.evolve(&Entry {
        event,
        id: event_id(version),
        version: Version::new(version).unwrap(),
        position: None,
        time,
        request: Some(id),
        command_hash: Some(CommandHash(7)),
        actor: None,
    });
}

fn reason_at(part: &Refused, at: Timestamp) -> Option<&str> {
    part.known(ID, at).map(|known| &*known.reason)
}

#[test]
fn only_a_refusal_is_remembered_and_for_a_day() {
    let mut part = Refused::default();
    fold(&mut part, &claimed(1, 1), 1, minute(0));
    assert_eq!(part.known(ID, minute(0)), None, "it was recorded");
    fold(&mut part, &command_refused("SOLD_OUT"), 2, minute(1));
    let expected = RefusedCommand {
        hash: CommandHash(7),
        reason: "SOLD_OUT".into(),
        version: Version::new(2).unwrap(),
        time: minute(1),
    };
    let last = minute(1).plus(Requests::KEPT_FOR);
    assert_eq!(part.known(ID, last), Some(&expected));
    assert_eq!(part.known(ID, last.plus(Duration::from_micros(1))), None);
}

#[test]
fn what_was_forgotten_and_is_refused_again_is_remembered_anew() {
    let mut part = Refused::default();
    let sold_out = command_refused("SOLD_OUT");
    // As many before it as are cleared away with one event.
    for other in 1..=2 {
        let other = RequestId(Uuid::from_u128(100 + other));
        fold_of(&mut part, other, &sold_out, 1, minute(0));
    }
    fold(&mut part, &sold_out, 3, minute(0));
    let later = minute(0).plus(Requests::KEPT_FOR * 2);
    fold(&mut part, &command_refused("SALES_STOPPED"), 4, later);
    // Its first place does not take it away.
    fold(&mut part, &resumed(), 5, later);
    assert_eq!(reason_at(&part, later), Some("SALES_STOPPED"));
    assert_eq!((part.by_id.iter().count(), part.oldest_first.len()), (1, 1));
}

#[test]
fn what_is_forgotten_takes_no_room() {
    let mut part = Refused::default();
    fold(&mut part, &command_refused("SOLD_OUT"), 1, minute(0));
    let later = minute(0).plus(Requests::KEPT_FOR * 2);
    fold(&mut part, &resumed(), 2, later);
    assert_eq!((part.by_id.iter().count(), part.oldest_first.len()), (0, 0));
}

#[test]
fn a_refusal_that_is_not_in_the_log_after_all_has_never_been() {
    let mut part = Refused::default();
    part.begin(Some(Mark(1)));
    fold(&mut part, &command_refused("SOLD_OUT"), 1, minute(0));
    assert_eq!(reason_at(&part, minute(0)), Some("SOLD_OUT"));
    part.undo(Mark(1));
    assert_eq!(part.known(ID, minute(0)), None);
    assert_eq!(part.oldest_first.len(), 0);
}
