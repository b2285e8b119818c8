//! What the table of conflicts says is compared with what happens: both orders of each pair of edits are run, from
//! several states, and the states that they lead to are compared.

use std::time::Duration;

use onsale_shared::{
    event::{PoolEvent, StopMode},
    pricing::{DemandStep, Pricing, TimeStep},
};

use super::*;
use crate::domain::{
    Command,
    commands::testing::*,
    partials::{Counts, SaleState, Sales},
};

/// What an edit can be about, and the numbers.
type Settings = (Pricing, Schedule, Limits, SaleState, Counts);

fn settings(pool: &Pool) -> Settings {
    let rule = pool.pricing.rule().unwrap();
    (
        (*rule.value).clone(),
        pool.schedule.get().unwrap().value,
        pool.limits.get().unwrap().value,
        pool.sale.status(),
        *pool.stock.counts(),
    )
}

/// The events after a command; none if it is refused.
fn then(events: &[PoolEvent], command: &Command) -> Option<Vec<PoolEvent>> {
    let recorded = Given::events(events.to_vec()).when(command.clone()).result;
    let facts = recorded.ok()?.into_iter().map(|fact| fact.event);
    Some(events.iter().cloned().chain(facts).collect())
}

/// Whether two commands lead to the same settings in either order; both orders must be possible.
fn commute(start: &[PoolEvent], first: &Command, second: &Command) -> bool {
    let run = |a, b| Some(settings(&fold(&then(&then(start, a)?, b)?)));
    matches!((run(first, second), run(second, first)), (Some(ab), Some(ba)) if ab == ba)
}

fn falling() -> Pricing {
    Pricing {
        time_steps: vec![TimeStep {
            before_show: Duration::from_hours(1),
            change_basis_points: -1_000,
        }],
        ..Pricing::fixed(euros(1_000))
    }
}

fn show_at(minutes: i64) -> Schedule {
    Schedule {
        show_time: Some(minute(minutes)),
        ..Schedule::default()
    }
}

/// Edits of each setting.
fn edits(setting: Setting) -> Vec<Command> {
    match setting {
        Setting::Pricing => vec![
            change_pricing(1_000),
            change_pricing(2_000),
            change_rule(falling()),
        ],
        Setting::Capacity => vec![change_capacity(8), change_capacity(20)],
        Setting::Schedule => vec![
            reschedule(show_at(600)),
            reschedule(show_at(900)),
            reschedule(Schedule::default()),
        ],
        Setting::Limits => [1, 2]
            .map(|max_tickets_per_order| {
                change_limits(Limits {
                    max_tickets_per_order,
                    ..limits()
                })
            })
            .into(),
        Setting::SaleStatus => vec![
            stop(StopMode::FinishClaims),
            stop(StopMode::VoidClaims),
            resume(),
        ],
    }
}

fn starts() -> Vec<Vec<PoolEvent>> {
    let with_show = created_with(|pool| pool.schedule = show_at(300));
    let held = [claimed(1, 1), claimed(1, 2)];
    vec![
        vec![created()],
        vec![with_show.clone(), stopped(StopMode::FinishClaims)],
        [with_show].into_iter().chain(sold(3)).chain(held).collect(),
    ]
}

/// Each pair of edits of two settings, from each start from which each of the two is possible.
fn pairs(first: Setting, second: Setting) -> Vec<(Vec<PoolEvent>, Command, Command)> {
    let mut pairs = Vec::new();
    for start in starts() {
        for a in edits(first) {
            for b in edits(second) {
                let possible = then(&start, &a).is_some() && then(&start, &b).is_some();
                if possible && a != b {
                    pairs.push((start.clone(), a.clone(), b));
                }
            }
        }
    }
    pairs
}

#[test]
fn what_the_table_lets_pass_commutes() {
    for first in Setting::ALL {
        for second in Setting::ALL {
            let pairs = pairs(first, second);
            assert!(!pairs.is_empty(), "{first:?} {second:?}");
            if first.conflicts_with().contains(&second) {
                continue;
            }
            for (start, a, b) in pairs {
                assert!(commute(&start, &a, &b), "{a:?} and {b:?} do not commute");
            }
        }
    }
}

#[test]
fn what_the_table_stops_does_not_always_commute() {
    for first in Setting::ALL {
        for second in first.conflicts_with() {
            let differs = pairs(first, *second)
                .iter()
                .any(|(start, a, b)| !commute(start, a, b));
            assert!(differs, "{first:?} and {second:?} always commute");
        }
    }
}

#[test]
fn the_table_is_symmetric() {
    for first in Setting::ALL {
        for second in Setting::ALL {
            assert_eq!(
                first.conflicts_with().contains(&second),
                second.conflicts_with().contains(&first)
            );
        }
    }
}

/// Sales, then an edit, is the same as the edit, then the sales: in numbers and settings, for orders without a price
/// limit that both times find tickets.
#[test]
fn sales_commute_with_every_edit_that_leaves_them_possible() {
    let orders = [claim(2), purchase(1)];
    let mut tried = 0;
    for start in starts() {
        for setting in Setting::ALL {
            for edit in edits(setting) {
                for order in &orders {
                    let sold_first = then(&start, order).and_then(|events| then(&events, &edit));
                    let edited_first = then(&start, &edit).and_then(|events| then(&events, order));
                    let (Some(a), Some(b)) = (sold_first, edited_first) else {
                        continue;
                    };
                    tried += 1;
                    assert_eq!(settings(&fold(&a)), settings(&fold(&b)), "{edit:?}");
                }
            }
        }
    }
    assert!(tried >= 30, "{tried}");
}

/// What makes two commands equal does not change for those who say nothing of a version.
#[test]
fn an_edit_without_etag_is_written_as_it_was_before_there_were_any() {
    let written = |command| serde_json::to_value::<Command>(command).unwrap();
    assert_eq!(
        written(resume()),
        serde_json::json!({"ResumeSales": {"reason": null}})
    );
    assert_eq!(
        written(on_version(3, true, resume())),
        serde_json::json!({"ResumeSales": {"reason": null, "etag": 3, "merge": true}})
    );
    assert_eq!(
        written(buy(1, &[]))["BuyTickets"]
            .as_object()
            .unwrap()
            .len(),
        3,
        "nor without `reclaim`"
    );
}

#[test]
fn only_sales_since_are_counted() {
    let events = [created()].into_iter().chain(sold(3)).collect::<Vec<_>>();
    // Claims have even versions, sales odd ones.
    for (etag, sold) in [(1, 3), (2, 3), (3, 2), (6, 1), (7, 0)] {
        let pool = fold(&events);
        let since = pool.sales.since(Version::new(etag).unwrap());
        assert_eq!(since, SoldSince::Exactly(sold), "{etag}");
    }
}

#[test]
fn of_very_many_sales_it_is_said_that_there_were_at_least_as_many() {
    let mut pool = fold(&[created_with(|pool| pool.capacity = 100_000)]);
    let many = u128::try_from(Sales::REMEMBERED_MAX).unwrap() + 1;
    for n in 1..=many {
        let version = i64::try_from(n).unwrap() * 2;
        fold_one(&mut pool, &claimed(n, n), version, minute(0));
        fold_one(&mut pool, &bought(n, n), version + 1, minute(0));
    }
    let since = |version| pool.sales.since(Version::new(version).unwrap());
    assert_eq!(since(1), SoldSince::AtLeast(Sales::REMEMBERED_MAX));
    assert_eq!(since(5), SoldSince::Exactly(Sales::REMEMBERED_MAX - 1));
    let last = 2 * i64::try_from(many).unwrap() + 1;
    assert_eq!(since(last - 1), SoldSince::Exactly(1));
    assert_eq!(since(last), SoldSince::Exactly(0), "none since the last");
}

/// A pool at version 4 whose price was changed at version 3.
fn a_changed_price() -> Vec<PoolEvent> {
    vec![created(), claimed(1, 1), price_changed(1_000), bought(1, 1)]
}

fn conflict_of(when: When) -> Conflict {
    match when.result {
        Err(Rejection::VersionConflict { conflict }) => *conflict,
        other => panic!("{other:?} is no conflict"),
    }
}

#[test]
fn the_current_etag_is_always_accepted() {
    for merge in [false, true] {
        let edit = on_version(4, merge, change_pricing(2_000));
        let events = Given::events(a_changed_price()).when(edit).events();
        assert_eq!(events, [price_changed(2_000)]);
    }
}

#[test]
fn a_stale_etag_is_refused_even_if_only_sales_happened_since() {
    let edit = on_version(3, false, change_pricing(2_000));
    let conflict = conflict_of(Given::events(a_changed_price()).when(edit));
    assert_eq!(conflict.changes, []);
    assert_eq!(conflict.sold, SoldSince::Exactly(1));
    assert_eq!(conflict.version, Version::new(4).unwrap());
}

#[test]
fn sales_are_not_in_the_way_of_a_merge() {
    let edit = on_version(3, true, change_pricing(2_000));
    let events = Given::events(a_changed_price()).when(edit).events();
    assert_eq!(events, [price_changed(2_000)]);
}

#[test]
fn another_edit_of_the_same_setting_is_in_the_way_and_is_told_with_all_that_is_known() {
    let edit = on_version(1, true, change_pricing(2_000));
    let conflict = conflict_of(Given::events(a_changed_price()).when(edit));
    let change = Change {
        setting: Setting::Pricing,
        version: Version::new(3).unwrap(),
        time: minute(0),
        actor: Some("promoter-1".into()),
        fields: vec![FieldChange {
            field: "base_price",
            old: "49.99 EUR".to_owned(),
            new: "10.00 EUR".to_owned(),
        }],
    };
    assert_eq!(conflict.changes, [change]);
    assert_eq!(conflict.sold, SoldSince::Exactly(1));
}

#[test]
fn price_steps_are_told_as_people_read_them() {
    let stepped = PoolEvent::PricingChanged(onsale_shared::event::PricingChanged {
        pricing: Pricing {
            demand_steps: [(10, 100), (20, 250)]
                .map(|(sold_percent, change_basis_points)| DemandStep {
                    sold_percent,
                    change_basis_points,
                })
                .into(),
            ..falling()
        },
    });
    let events = vec![created_with(|pool| pool.schedule = show_at(300)), stepped];
    let edit = on_version(1, false, change_pricing(1));
    let conflict = conflict_of(Given::events(events).when(edit));
    let fields = &conflict.changes[0].fields;
    let told: Vec<_> = fields
        .iter()
        .map(|change| (change.field, change.old.as_str(), change.new.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("base_price", "49.99 EUR", "10.00 EUR"),
            ("demand_steps", "none", "10 %: +100 bp, 20 %: +250 bp"),
            ("time_steps", "none", "3600 s: -1000 bp"),
        ]
    );
}

#[test]
fn an_edit_of_another_setting_is_not_in_the_way_of_a_merge() {
    let edit = on_version(1, true, change_capacity(20));
    let events = Given::events(a_changed_price()).when(edit).events();
    assert_eq!(events, [capacity_changed(20)]);
}

#[test]
fn a_version_that_the_pool_has_not_reached_is_refused() {
    for merge in [false, true] {
        let edit = on_version(5, merge, change_capacity(20));
        conflict_of(Given::events(a_changed_price()).when(edit));
    }
}

#[test]
fn every_edit_looks_at_its_etag() {
    let edits = [
        stop(StopMode::VoidClaims),
        resume(),
        cancel(),
        change_capacity(20),
        change_pricing(1),
        reschedule(Schedule::default()),
        change_limits(limits()),
    ];
    for edit in edits {
        conflict_of(Given::events(a_changed_price()).when(on_version(1, false, edit)));
    }
}

#[test]
fn each_setting_tells_its_own_edit() {
    let events = vec![
        created(),
        capacity_changed(20),
        rescheduled(show_at(90)),
        limits_changed(Limits {
            max_tickets_per_order: 1,
            ..limits()
        }),
        stopped(StopMode::VoidClaims),
        price_changed(1),
    ];
    let conflict = conflict_of(Given::events(events).when(on_version(1, false, cancel())));
    let told: Vec<_> = conflict
        .changes
        .iter()
        .map(|change| {
            (
                change.setting.name(),
                change.version.get(),
                change.fields[0].field,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("pricing", 6, "base_price"),
            ("capacity", 2, "capacity"),
            ("schedule", 3, "show_time"),
            ("limits", 4, "max_tickets_per_order"),
            ("sale_status", 5, "state"),
        ]
    );
}
