use std::time::Duration;

use onsale_shared::pricing::TimeStep;

use super::*;
use crate::domain::commands::testing::*;

fn at(show: i64) -> event::Schedule {
    event::Schedule {
        show_time: Some(minute(show)),
        ..event::Schedule::default()
    }
}

#[test]
fn all_times_are_replaced() {
    let pool = created_with(|pool| pool.schedule.sales_start_time = Some(minute(50)));
    Given::events([pool.clone()])
        .when(reschedule(at(90)))
        .then([rescheduled(at(90))]);
    assert_eq!(
        Given::events([pool, rescheduled(at(90))])
            .when(claim(1))
            .events()
            .len(),
        1,
        "the sale has no beginning any more"
    );
}

#[test]
fn a_price_that_follows_the_time_keeps_its_show_time() {
    let pool = created_with(|pool| {
        pool.schedule.show_time = Some(minute(90));
        pool.pricing.time_steps = vec![TimeStep {
            before_show: Duration::from_hours(1),
            change_basis_points: -1_000,
        }];
    });
    Given::events([pool])
        .when(reschedule(event::Schedule::default()))
        .refused(&Rejection::ShowTimeRequired { field: "show_time" });
}

#[test]
fn a_price_that_follows_the_time_can_follow_another_show_time() {
    let pool = created_with(|pool| {
        pool.schedule.show_time = Some(minute(90));
        pool.pricing.time_steps = vec![TimeStep {
            before_show: Duration::from_hours(1),
            change_basis_points: -1_000,
        }];
    });
    Given::events([pool])
        .when(reschedule(at(120)))
        .then([rescheduled(at(120))]);
}

#[test]
fn a_price_that_does_not_follow_the_time_needs_no_show_time() {
    let pool = created_with(|pool| pool.schedule.show_time = Some(minute(90)));
    let none = event::Schedule::default();
    Given::events([pool])
        .when(reschedule(none))
        .then([rescheduled(none)]);
}

#[test]
fn the_show_lies_ahead() {
    Given::events([created()])
        .when(reschedule(at(1)))
        .refused(&Rejection::TimesPassed {
            fields: vec!["show_time"],
            now: minute(1),
        });
}

#[test]
fn an_unknown_pool_is_not_found() {
    Given::nothing()
        .when(reschedule(at(1)))
        .refused(&Rejection::PoolNotFound);
}
