//! Long random sequences of commands with a moving clock, against a naive model that shares nothing with the parts.

mod checks;
mod model;
mod repeats;
mod steps;
mod story;

use std::collections::HashMap;

use proptest::{prelude::*, test_runner::TestRunner};

use self::{
    checks::{restored, snapshot},
    steps::{Step, steps},
    story::Story,
};
use super::{Fact, Rejection};
use onsale_shared::{id::RequestId, time::Timestamp};

const CASES: u32 = 2_000;

/// Hash maps have no order of their own: their text is compared as a bag of its words.
fn sorted(text: &str) -> Vec<&str> {
    // The journal remembers its last mark; that is not part of the state.
    let mut words: Vec<_> = text
        .split([' ', ',', '{', '}', '(', ')'])
        .filter(|word| !word.is_empty())
        .collect();
    words.sort_unstable();
    words
}

#[test]
fn random_stories_keep_every_invariant() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let reached: std::cell::RefCell<HashMap<&'static str, u32>> = std::cell::RefCell::default();
    let told = runner.run(&steps(), |steps| {
        let mut story = Story::new();
        // Of a pool that does not exist yet, and repeats of these.
        story.tell(Step::Claim {
            customer: 0,
            quantity: 1,
        });
        story.tell(Step::CreateTooLate);
        story.tell(Step::Repeat { of: 0 });
        story.tell(Step::Repeat { of: 1 });
        story.tell(Step::Create);
        for step in steps {
            story.tell(step);
        }
        // What is forgotten may have been cleared away already, or not yet.
        let (replayed, lived) = (story.replay(), &story.pool);
        assert_eq!(
            sorted(&format!("{:?}", restored(&replayed))),
            sorted(&format!("{:?}", restored(lived))),
            "replay = live, in every part"
        );
        // Thousands of bytes tell a reader nothing: the shrunken story does.
        let same_bytes = snapshot(&replayed) == snapshot(lived);
        assert!(same_bytes, "replay = live, also in the order of its rows");
        story.corrupt();
        for what in story.reached {
            *reached.borrow_mut().entry(what).or_default() += 1;
        }
        Ok(())
    });
    if let Err(failure) = told {
        panic!("{failure}");
    }
    let reached = reached.into_inner();
    let mut report: Vec<_> = reached.iter().collect();
    report.sort_unstable();
    eprintln!("reached in so many of {CASES} stories: {report:?}");
    let events = onsale_shared::event::EventType::ALL
        .iter()
        .map(|kind| kind.as_str());
    let refusals = Rejection::REASONS.iter().copied();
    for what in events.chain(refusals).chain(STATES) {
        assert!(
            reached.get(what).copied().unwrap_or(0) >= CASES / 100,
            "{what} was reached in under 1 % of the stories"
        );
    }
}

/// A fact, when it was decided, and the command that it belongs to.
pub(crate) type Told = (Fact, Timestamp, Option<RequestId>);

/// Tells random stories, and shows what each recorded.
pub(crate) fn each_history(cases: u32, look: impl Fn(&[Told])) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let told = runner.run(&steps(), |steps| {
        let mut story = Story::new();
        story.tell(Step::Create);
        for step in steps {
            story.tell(step);
        }
        let log = story.log.into_iter();
        let told = log.map(|(fact, at, request)| (fact, at, request.map(|request| request.id)));
        let history: Vec<_> = told.collect();
        look(&history);
        Ok(())
    });
    if let Err(failure) = told {
        panic!("{failure}");
    }
}

/// What a story must reach beside events and refusals.
const STATES: [&str; 13] = [
    "held",
    "bought",
    "released by the customer",
    "released by an operator",
    "expired",
    "voided by a stop",
    "voided by the end",
    "replaced",
    "refunded",
    "PAID_LATE",
    "SWEEP_FIRST",
    "REPEATED",
    "RESTORED",
];
