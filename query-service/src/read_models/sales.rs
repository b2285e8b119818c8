//! Writing `sales`: sums on top of sums, behind the checkpoint.

use sqlx::{
    PgConnection,
    types::chrono::{DateTime, Utc},
};

use crate::projections::sales::{Key, Sums};

/// A key and what is to be added to its row.
pub(crate) type Row<'a> = (Key<'a>, Sums);

/// The most rows of one statement.
const ROWS_MAX: usize = 5_000;

#[derive(Default)]
struct Columns<'a> {
    pool: Vec<&'a str>,
    minute: Vec<DateTime<Utc>>,
    unit_price: Vec<i64>,
    tickets: Vec<i64>,
    granted_tickets: Vec<i64>,
    refunded_tickets: Vec<i64>,
    refunded_granted_tickets: Vec<i64>,
    /// As text: 64 bits may be too few.
    revenue: Vec<String>,
    refunds: Vec<String>,
}

impl<'a> Columns<'a> {
    fn of(rows: &[Row<'a>]) -> Self {
        let mut columns = Self::default();
        for ((pool, minute, unit_price), sums) in rows {
            columns.pool.push(pool.as_str());
            columns.minute.push(minute.to_utc());
            columns.unit_price.push(unit_price.get());
            columns.tickets.push(sums.tickets);
            columns.granted_tickets.push(sums.granted_tickets);
            columns.refunded_tickets.push(sums.refunded_tickets);
            columns
                .refunded_granted_tickets
                .push(sums.refunded_granted_tickets);
            columns.revenue.push(sums.revenue.to_string());
            columns.refunds.push(sums.refunds.to_string());
        }
        columns
    }
}

/// Adds to the rows that are there.
pub(crate) async fn add(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
) -> Result<(), sqlx::Error> {
    for rows in rows.chunks(ROWS_MAX) {
        let columns = Columns::of(rows);
        sqlx::query(
            "INSERT INTO sales AS there \
                    (pool, minute, unit_price, tickets, granted_tickets, refunded_tickets, \
                     refunded_granted_tickets, revenue, refunds) \
             SELECT pool, minute, unit_price, tickets, granted_tickets, refunded_tickets, \
                    refunded_granted_tickets, revenue::numeric, refunds::numeric \
               FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], \
                           $7::bigint[], $8::text[], $9::text[]) \
                 AS new (pool, minute, unit_price, tickets, granted_tickets, refunded_tickets, \
                         refunded_granted_tickets, revenue, refunds) \
                 ON CONFLICT (pool, minute, unit_price) DO UPDATE SET \
                    tickets = there.tickets + excluded.tickets, \
                    granted_tickets = there.granted_tickets + excluded.granted_tickets, \
                    refunded_tickets = there.refunded_tickets + excluded.refunded_tickets, \
                    refunded_granted_tickets = there.refunded_granted_tickets + excluded.refunded_granted_tickets, \
                    revenue = there.revenue + excluded.revenue, \
                    refunds = there.refunds + excluded.refunds",
        )
        .bind(columns.pool)
        .bind(columns.minute)
        .bind(columns.unit_price)
        .bind(columns.tickets)
        .bind(columns.granted_tickets)
        .bind(columns.refunded_tickets)
        .bind(columns.refunded_granted_tickets)
        .bind(columns.revenue)
        .bind(columns.refunds)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
