//! The sales window.

use super::*;

/// A pool that sells from minute 5 to minute 8.
fn three_minutes_of_sale() -> PoolEvent {
    created_with(|pool| {
        pool.schedule.sales_start_time = Some(minute(5));
        pool.schedule.sales_end_time = Some(minute(8));
    })
}

#[test]
fn a_sale_that_has_not_begun_says_when_it_does() {
    let given = || Given::events([three_minutes_of_sale()]);
    given()
        .after_minutes(4)
        .when(claim(1))
        .refused(&Rejection::SalesNotOpen {
            sales_start_time: minute(5),
        });
    assert_eq!(given().after_minutes(5).when(claim(1)).events().len(), 1);
}

#[test]
fn a_sale_that_is_over_says_since_when() {
    let given = || Given::events([three_minutes_of_sale()]);
    assert_eq!(given().after_minutes(7).when(claim(1)).events().len(), 1);
    given()
        .after_minutes(8)
        .when(claim(1))
        .refused(&Rejection::SalesEnded {
            sales_end_time: minute(8),
        });
}

#[test]
fn a_stop_wins_over_the_sales_window() {
    let mode = StopMode::FinishClaims;
    Given::events([three_minutes_of_sale(), stopped(mode)])
        .when(claim(9))
        .refused(&Rejection::SalesStopped { mode });
}

#[test]
fn the_sales_window_wins_over_the_limits() {
    Given::events([three_minutes_of_sale()])
        .when(claim(9))
        .refused(&Rejection::SalesNotOpen {
            sales_start_time: minute(5),
        });
}
