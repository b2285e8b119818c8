//! Reading `sales`: sums in buckets of time.

use std::time::Duration;

use onsale_shared::{
    id::PoolId,
    money::{Currency, Minor},
    time::Timestamp,
};
use sqlx::{
    PgConnection, Row as _,
    postgres::PgRow,
    types::chrono::{DateTime, Utc},
};

use super::decode::optional_minor;
use crate::projections::sales::Sums;

/// Between which times, and in which buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// From here on; none: from the beginning.
    pub(crate) start: Option<Timestamp>,
    /// Before this; none: all that there is.
    pub(crate) end: Option<Timestamp>,
    /// How long a bucket is, whole minutes; none: there is but one.
    pub(crate) bucket: Option<Duration>,
}

/// A pool of a report; all of it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seller {
    pub(crate) pool: PoolId,
    pub(crate) currency: Currency,
    pub(crate) promoter: Option<String>,
    pub(crate) show: Option<String>,
}

/// The sums of a bucket in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where the bucket begins; none if there is but one.
    pub(crate) start: Option<Timestamp>,
    pub(crate) currency: Currency,
    /// Of this price alone; none unless prices were asked for.
    pub(crate) unit_price: Option<Minor>,
    pub(crate) sums: Sums,
}

impl Span {
    /// The length of a bucket, as PostgreSQL reads an interval.
    pub(super) fn interval(&self) -> Option<String> {
        self.bucket
            .map(|bucket| format!("{} seconds", bucket.as_secs()))
    }

    /// Where buckets are counted from.
    pub(super) fn origin(&self) -> DateTime<Utc> {
        self.start.unwrap_or_default().to_utc()
    }
}

/// The sums of pools, by bucket and currency (and price), at most `limit`, in this order.
pub(crate) async fn lines(
    connection: &mut PgConnection,
    sellers: &[Seller],
    span: Span,
    by_price: bool,
    limit: i64,
) -> Result<Vec<Line>, sqlx::Error> {
    let (pools, currencies): (Vec<_>, Vec<_>) = sellers
        .iter()
        .map(|seller| (seller.pool.as_str(), seller.currency.code()))
        .unzip();
    let rows = sqlx::query(
        "SELECT date_bin($5::text::interval, s.minute, $6) AS bucket, scope.currency, \
                CASE WHEN $7 THEN s.unit_price END AS unit_price, \
                sum(s.tickets)::bigint AS tickets, sum(s.granted_tickets)::bigint AS granted_tickets, \
                sum(s.refunded_tickets)::bigint AS refunded_tickets, \
                sum(s.refunded_granted_tickets)::bigint AS refunded_granted_tickets, \
                sum(s.revenue)::text AS revenue, sum(s.refunds)::text AS refunds \
           FROM unnest($1::text[], $2::text[]) AS scope (pool, currency) \
           JOIN onsale_read.sales s ON s.pool = scope.pool COLLATE \"C\" \
          WHERE s.minute >= coalesce($3, '-infinity') AND s.minute < coalesce($4, 'infinity') \
          GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT $8",
    )
    .bind(pools)
    .bind(currencies)
    .bind(span.start.map(Timestamp::to_utc))
    .bind(span.end.map(Timestamp::to_utc))
    .bind(span.interval())
    .bind(span.origin())
    .bind(by_price)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(line_of).collect()
}

fn line_of(row: &PgRow) -> Result<Line, sqlx::Error> {
    let start: Option<DateTime<Utc>> = row.try_get("bucket")?;
    Ok(Line {
        start: start.map(Timestamp::from),
        currency: currency(row)?,
        unit_price: optional_minor(row, "unit_price")?,
        sums: sums_of(row)?,
    })
}

/// The columns of sums; amounts as text.
pub(super) fn sums_of(row: &PgRow) -> Result<Sums, sqlx::Error> {
    let amount = |column: &'static str| {
        let text: &str = row.try_get(column)?;
        text.parse().map_err(|_beyond| damaged(column))
    };
    Ok(Sums {
        tickets: row.try_get("tickets")?,
        granted_tickets: row.try_get("granted_tickets")?,
        refunded_tickets: row.try_get("refunded_tickets")?,
        refunded_granted_tickets: row.try_get("refunded_granted_tickets")?,
        revenue: amount("revenue")?,
        refunds: amount("refunds")?,
    })
}

fn currency(row: &PgRow) -> Result<Currency, sqlx::Error> {
    Currency::parse(row.try_get("currency")?).map_err(|_unknown| damaged("currency"))
}

pub(super) fn pool(row: &PgRow) -> Result<PoolId, sqlx::Error> {
    PoolId::parse(row.try_get("pool")?).map_err(|_invalid| damaged("pool"))
}

fn damaged(column: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(format!("column {column} of the read model `sales` is out of range").into())
}
