//! What happens in a story.

use std::time::Duration;

use onsale_shared::{
    event::StopMode,
    pricing::{DemandBasis, DemandStep, Interpolation, Pricing, TimeStep},
};
use proptest::prelude::*;

use crate::domain::commands::testing::{Limits, euros, limits};

/// A step of a story. Claims, tickets and customers are named by their number in the story.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Wait {
        seconds: u64,
    },
    Create,
    /// The show is now.
    CreateTooLate,
    Claim {
        customer: u8,
        quantity: u32,
    },
    Purchase {
        customer: u8,
        quantity: u32,
        max_cents: Option<i64>,
    },
    Extend {
        claim: usize,
    },
    Buy {
        claim: usize,
        tickets: Vec<usize>,
        reclaim: bool,
    },
    Release {
        claim: usize,
        tickets: Vec<usize>,
        by_operator: bool,
    },
    Refund {
        claim: usize,
        tickets: Vec<usize>,
    },
    Grant {
        customer: u8,
        quantity: u32,
    },
    Edit {
        edit: Edit,
        seen: Option<Seen>,
    },
    Sweep {
        max: usize,
    },
    Repeat {
        of: usize,
    },
    PayLate {
        claim: usize,
    },
    Shrink,
    /// The pool is loaded from a snapshot of itself.
    Restore,
}

/// What a promoter does.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Stop(StopMode),
    Resume,
    Cancel,
    Capacity(u32),
    Pricing(Pricing),
    /// In minutes from the moment of the edit: show, start and end of sales.
    Reschedule([Option<i64>; 3]),
    Limits(Limits),
}

/// The version that the promoter saw: so many events ago.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) versions_ago: i64,
    pub(super) merge: bool,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let customer = || 0..4_u8;
    let claim = || 0..12_usize;
    let some_tickets =
        || prop_oneof![2 => Just(vec![]), 1 => prop::collection::vec(0..5_usize, 1..3)];
    let one_ticket = || prop::collection::vec(0..5_usize, 1..3);
    let max_cents = prop_oneof![2 => Just(None), 1 => (1..9_000_i64).prop_map(Some)];
    let step = prop_oneof![
        10 => (1..300_u64).prop_map(|seconds| Step::Wait { seconds }),
        // Long enough for what is over to be forgotten.
        1 => (20..30_u64).prop_map(|hours| Step::Wait { seconds: hours * 3_600 }),
        1 => Just(Step::Create),
        24 => (customer(), 1..6_u32).prop_map(|(customer, quantity)| Step::Claim { customer, quantity }),
        10 => (customer(), 1..5_u32, max_cents).prop_map(|(customer, quantity, max_cents)| Step::Purchase { customer, quantity, max_cents }),
        14 => claim().prop_map(|claim| Step::Extend { claim }),
        20 => (claim(), some_tickets(), any::<bool>()).prop_map(|(claim, tickets, reclaim)| Step::Buy { claim, tickets, reclaim }),
        12 => (claim(), some_tickets(), any::<bool>()).prop_map(|(claim, tickets, by_operator)| Step::Release { claim, tickets, by_operator }),
        14 => (claim(), one_ticket()).prop_map(|(claim, tickets)| Step::Refund { claim, tickets }),
        3 => (customer(), 1..4_u32).prop_map(|(customer, quantity)| Step::Grant { customer, quantity }),
        14 => (edit(), seen()).prop_map(|(edit, seen)| Step::Edit { edit, seen }),
        6 => (1..5_usize).prop_map(|max| Step::Sweep { max }),
        4 => (0..60_usize).prop_map(|of| Step::Repeat { of }),
        3 => claim().prop_map(|claim| Step::PayLate { claim }),
        1 => Just(Step::Shrink),
        3 => Just(Step::Restore),
    ];
    prop::collection::vec(step, 1..120)
}

fn seen() -> impl Strategy<Value = Option<Seen>> {
    let some = (-1..12_i64, any::<bool>()).prop_map(|(versions_ago, merge)| {
        Some(Seen {
            versions_ago,
            merge,
        })
    });
    prop_oneof![1 => Just(None), 1 => some]
}

fn edit() -> impl Strategy<Value = Edit> {
    let mode = prop_oneof![Just(StopMode::FinishClaims), Just(StopMode::VoidClaims)];
    prop_oneof![
        20 => mode.prop_map(Edit::Stop),
        40 => Just(Edit::Resume),
        2 => Just(Edit::Cancel),
        25 => (2..14_u32).prop_map(Edit::Capacity),
        20 => pricing().prop_map(Edit::Pricing),
        25 => schedule().prop_map(Edit::Reschedule),
        15 => some_limits().prop_map(Edit::Limits),
    ]
}

fn pricing() -> impl Strategy<Value = Pricing> {
    (
        1_000..6_000_i64,
        0..3_u8,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(cents, steps, by_time, committed, linear)| Pricing {
            demand_steps: (0..steps)
                .map(|step| DemandStep {
                    sold_percent: step * 40,
                    change_basis_points: u32::from(step) * 777,
                })
                .collect(),
            demand_basis: if committed {
                DemandBasis::Committed
            } else {
                DemandBasis::Sold
            },
            time_steps: if by_time {
                vec![TimeStep {
                    before_show: Duration::from_mins(30),
                    change_basis_points: -1_234,
                }]
            } else {
                Vec::new()
            },
            interpolation: if linear {
                Interpolation::Linear
            } else {
                Interpolation::Step
            },
            ..Pricing::fixed(euros(cents))
        })
}

fn schedule() -> impl Strategy<Value = [Option<i64>; 3]> {
    let time = || prop::option::of(-1..12_i64);
    // Often no bounds, or most of a story would be outside of the sale.
    prop_oneof![
        1 => Just([None; 3]),
        1 => (time(), time(), time()).prop_map(|(show, start, end)| [show, start, end]),
    ]
}

fn some_limits() -> impl Strategy<Value = Limits> {
    let some = (1..5_u32, 1..8_u32, 1..10_u64, any::<bool>());
    some.prop_map(|(per_order, per_customer, minutes, long)| Limits {
        max_tickets_per_order: per_order,
        max_tickets_per_customer: per_customer,
        claim_duration: Duration::from_mins(minutes),
        // Longer than what is over is remembered at least.
        late_purchase_window: if long {
            Duration::from_hours(48)
        } else {
            limits().late_purchase_window
        },
    })
}
