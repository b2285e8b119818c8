//! Histories in which everything can have happened.

use super::super::{Counts, Reply, check};
use super::story::*;

/// Claims, sales, releases, refusals, lost answers, repeats, a sweep.
pub(super) fn a_story() -> Story {
    let mut story = Story::begin();
    let first = claim_of(&story.grant(claim("a", 2)));
    story.grant(claim("b", 3));
    story.refuse(claim("c", 2));
    let bought = story.grant(buy(first));
    story.refuse(release(first));
    story.refuse_for_good(claim("d", 3));
    assert_eq!(bought.claim.unwrap().tickets.len(), 2);
    story.wait(CLAIMS);
    story.sweep_at(story.now);
    story
}

#[test]
fn a_history_in_which_all_is_well_has_no_finding() {
    let story = a_story();
    assert_eq!(check(&story.history, &story.log), vec![]);
}

#[test]
fn an_answer_that_was_lost_and_asked_for_again_is_no_finding_and_is_counted() {
    let mut story = Story::begin();
    let first = claim_of(&story.grant(claim("a", 2)));
    // Recorded by the first attempt.
    story.last_attempt().reply = Reply::Unknown;
    story.grant(buy(first));
    let repeat = story.history.commands[0].id;
    let attempt = story.attempt(Reply::Granted(story.answer(repeat).into()));
    story.history.commands[0].attempts.push(attempt);
    story.wait(millis(1_000));
    // Recorded by the second attempt only.
    let unknown = story.attempt(Reply::Unknown);
    story.wait(millis(1_000));
    story.grant(claim("b", 1));
    let command = story.history.commands.last_mut().unwrap();
    command.attempts.insert(0, unknown);

    assert_eq!(check(&story.history, &story.log), vec![]);
    let counts = Counts::of(&story.history, &story.log);
    assert_eq!(
        (counts.commands, counts.granted, counts.repeats),
        (3, 3, 1),
        "{counts:?}"
    );
    assert_eq!(
        (counts.unknown_recorded, counts.unknown_not_recorded),
        (1, 1)
    );
}

#[test]
fn a_refusal_may_rest_on_any_version_that_was_current_meanwhile() {
    let mut story = Story::begin();
    story.grant(claim("a", 4));
    let second = claim_of(&story.grant(claim("b", 2)));
    story.refuse(claim("c", 1));
    // Given back while the refusal was under way, so that it was true only at first.
    let refused = story.history.commands.len() - 1;
    story.grant(release(second));
    story.history.commands[refused].attempts[0].ended = story.now;
    assert_eq!(check(&story.history, &story.log), vec![]);
}

#[test]
fn sold_out_for_now_may_be_a_tenth_of_a_second_old() {
    let mut story = Story::begin();
    story.grant(claim("a", 4));
    let second = claim_of(&story.grant(claim("b", 2)));
    story.refuse(claim("c", 1));
    let refused = story.history.commands.len() - 1;
    story.grant(release(second));
    let seen = story.history.looks.last().unwrap().received;
    for (after, findings) in [(millis(90), 0), (millis(110), 1)] {
        let attempt = &mut story.history.commands[refused].attempts[0];
        attempt.called = seen.plus(after);
        attempt.ended = seen.plus(after * 2);
        assert_eq!(
            check(&story.history, &story.log).len(),
            findings,
            "{after:?}"
        );
    }
}
