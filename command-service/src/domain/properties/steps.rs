//! What happens in a story.

use onsale_shared::event::StopMode;
use proptest::prelude::*;

/// A step of a story. Claims and tickets are named by their number in the story.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Wait { seconds: u64 },
    Create,
    Claim { quantity: u32 },
    Purchase { quantity: u32 },
    Buy { claim: usize, tickets: Vec<usize> },
    Release { claim: usize, tickets: Vec<usize> },
    Stop { mode: StopMode },
    Resume,
    Sweep { max: usize },
    Repeat { of: usize },
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mode = prop_oneof![Just(StopMode::FinishClaims), Just(StopMode::VoidClaims)];
    let some_tickets =
        || prop_oneof![2 => Just(vec![]), 1 => prop::collection::vec(0..4_usize, 1..3)];
    let step = prop_oneof![
        6 => (1..400_u64).prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Create),
        12 => (1..6_u32).prop_map(|quantity| Step::Claim { quantity }),
        5 => (1..5_u32).prop_map(|quantity| Step::Purchase { quantity }),
        10 => (0..20_usize, some_tickets()).prop_map(|(claim, tickets)| Step::Buy { claim, tickets }),
        7 => (0..20_usize, some_tickets()).prop_map(|(claim, tickets)| Step::Release { claim, tickets }),
        1 => mode.prop_map(|mode| Step::Stop { mode }),
        2 => Just(Step::Resume),
        3 => (1..5_usize).prop_map(|max| Step::Sweep { max }),
        2 => (0..60_usize).prop_map(|of| Step::Repeat { of }),
    ];
    prop::collection::vec(step, 1..80)
}
