//! Writing `pools`: absolute rows, so that writing twice is writing once.

use std::{sync::Arc, time::Duration};

use onsale_shared::{event::Schedule, time::Timestamp};
use serde::Serialize;
use sqlx::{
    PgConnection,
    types::chrono::{DateTime, Utc},
};

use crate::pool::{Details, Pool, Sale};

/// The columns of many pools.
#[derive(Default)]
struct Columns<'a> {
    pool: Vec<&'a str>,
    version: Vec<i64>,
    position: Vec<i64>,
    create_time: Vec<DateTime<Utc>>,
    update_time: Vec<DateTime<Utc>>,
    capacity: Vec<i64>,
    sold: Vec<i64>,
    held: Vec<i64>,
    corrupted: Vec<bool>,
    cancelled: Vec<bool>,
    stop_mode: Vec<Option<String>>,
    pricing: Vec<Option<String>>,
    pricing_version: Vec<Option<i64>>,
    max_tickets_per_order: Vec<Option<i64>>,
    max_tickets_per_customer: Vec<Option<i64>>,
    claim_duration_ms: Vec<Option<i64>>,
    late_purchase_window_ms: Vec<Option<i64>>,
    labels: Vec<Option<String>>,
    display_name: Vec<Option<&'a str>>,
    promoter: Vec<Option<&'a str>>,
    show: Vec<Option<&'a str>>,
    show_time: Vec<Option<DateTime<Utc>>>,
    sales_start_time: Vec<Option<DateTime<Utc>>>,
    sales_end_time: Vec<Option<DateTime<Utc>>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, pool: &'a Pool) -> Result<(), sqlx::Error> {
        self.pool.push(pool.id.as_str());
        self.version.push(pool.version.get());
        self.position.push(pool.position.get());
        self.create_time.push(pool.create_time.to_utc());
        self.update_time.push(pool.update_time.to_utc());
        self.capacity.push(pool.counts.capacity().into());
        self.sold.push(pool.counts.sold().into());
        self.held.push(pool.counts.held().into());
        self.corrupted.push(pool.corrupted);
        self.cancelled.push(pool.sale == Sale::Cancelled);
        self.stop_mode.push(stop_mode(pool.sale)?);
        self.push_details(pool.details.as_deref())
    }

    /// All null if there are none.
    fn push_details(&mut self, details: Option<&'a Details>) -> Result<(), sqlx::Error> {
        let pricing = details.map(|d| json(&d.pricing)).transpose()?;
        self.pricing.push(pricing);
        let labels = details.map(|d| json(&d.labels)).transpose()?;
        self.labels.push(labels);
        let number = |of: fn(&Details) -> u32| details.map(|d| of(d).into());
        self.pricing_version.push(number(|d| d.pricing_version));
        self.max_tickets_per_order
            .push(number(|d| d.limits.max_tickets_per_order));
        self.max_tickets_per_customer
            .push(number(|d| d.limits.max_tickets_per_customer));
        let span = |of: fn(&Details) -> Duration| details.map(|d| milliseconds(of(d)));
        self.claim_duration_ms
            .push(span(|d| d.limits.claim_duration));
        self.late_purchase_window_ms
            .push(span(|d| d.limits.late_purchase_window));
        let time = |of: fn(&Schedule) -> Option<Timestamp>| {
            details.and_then(|d| of(&d.schedule)).map(Timestamp::to_utc)
        };
        self.show_time.push(time(|s| s.show_time));
        self.sales_start_time.push(time(|s| s.sales_start_time));
        self.sales_end_time.push(time(|s| s.sales_end_time));
        let name = details.and_then(|d| d.display_name.as_ref());
        self.display_name.push(name.map(|name| name.as_str()));
        let promoter = details.and_then(|d| d.promoter.as_ref());
        self.promoter
            .push(promoter.map(|promoter| promoter.as_str()));
        let show = details.and_then(|d| d.show.as_ref());
        self.show.push(show.map(|show| show.as_str()));
        Ok(())
    }
}

/// Writes the rows of `pools` of the session's generation, over those that are there. A mark that the log contradicts a pool
/// stays: a replica that began to follow later may not know of what the contradiction was to.
pub(crate) async fn upsert(
    connection: &mut PgConnection,
    pools: &[Arc<Pool>],
) -> Result<(), sqlx::Error> {
    let mut columns = Columns::default();
    for pool in pools {
        columns.push(pool)?;
    }
    sqlx::query(
        "INSERT INTO pools \
                (pool, version, position, create_time, update_time, capacity, sold, held, corrupted, cancelled, \
                 stop_mode, pricing, pricing_version, max_tickets_per_order, max_tickets_per_customer, \
                 claim_duration_ms, late_purchase_window_ms, labels, display_name, promoter, show, show_time, \
                 sales_start_time, sales_end_time) \
         SELECT pool, version, position, create_time, update_time, capacity, sold, held, corrupted, cancelled, \
                stop_mode, pricing::json, pricing_version, max_tickets_per_order, max_tickets_per_customer, \
                claim_duration_ms, late_purchase_window_ms, labels::json, display_name, promoter, show, \
                show_time, sales_start_time, sales_end_time \
           FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], \
                       $6::bigint[], $7::bigint[], $8::bigint[], $9::boolean[], $10::boolean[], $11::text[], \
                       $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], \
                       $18::text[], $19::text[], $20::text[], $21::text[], $22::timestamptz[], \
                       $23::timestamptz[], $24::timestamptz[]) \
             AS new (pool, version, position, create_time, update_time, capacity, sold, held, corrupted, \
                     cancelled, stop_mode, pricing, pricing_version, max_tickets_per_order, \
                     max_tickets_per_customer, claim_duration_ms, late_purchase_window_ms, labels, display_name, \
                     promoter, show, show_time, sales_start_time, sales_end_time) \
             ON CONFLICT (pool) DO UPDATE SET \
                (version, position, create_time, update_time, capacity, sold, held, corrupted, cancelled, \
                 stop_mode, pricing, pricing_version, max_tickets_per_order, max_tickets_per_customer, \
                 claim_duration_ms, late_purchase_window_ms, labels, display_name, promoter, show, show_time, \
                 sales_start_time, sales_end_time) \
              = (excluded.version, excluded.position, excluded.create_time, excluded.update_time, \
                 excluded.capacity, excluded.sold, excluded.held, pools.corrupted OR excluded.corrupted, excluded.cancelled, \
                 excluded.stop_mode, excluded.pricing, excluded.pricing_version, excluded.max_tickets_per_order, \
                 excluded.max_tickets_per_customer, excluded.claim_duration_ms, excluded.late_purchase_window_ms, \
                 excluded.labels, excluded.display_name, excluded.promoter, excluded.show, excluded.show_time, \
                 excluded.sales_start_time, excluded.sales_end_time)",
    )
    .bind(columns.pool)
    .bind(columns.version)
    .bind(columns.position)
    .bind(columns.create_time)
    .bind(columns.update_time)
    .bind(columns.capacity)
    .bind(columns.sold)
    .bind(columns.held)
    .bind(columns.corrupted)
    .bind(columns.cancelled)
    .bind(columns.stop_mode)
    .bind(columns.pricing)
    .bind(columns.pricing_version)
    .bind(columns.max_tickets_per_order)
    .bind(columns.max_tickets_per_customer)
    .bind(columns.claim_duration_ms)
    .bind(columns.late_purchase_window_ms)
    .bind(columns.labels)
    .bind(columns.display_name)
    .bind(columns.promoter)
    .bind(columns.show)
    .bind(columns.show_time)
    .bind(columns.sales_start_time)
    .bind(columns.sales_end_time)
    .execute(connection)
    .await
    .map(drop)
}

/// As events write it; none if the sale is not stopped.
fn stop_mode(sale: Sale) -> Result<Option<String>, sqlx::Error> {
    match sale {
        Sale::Stopped(mode) => {
            let text = serde_json::to_value(mode).map_err(encode)?;
            Ok(text.as_str().map(str::to_owned))
        }
        Sale::Selling | Sale::Cancelled => Ok(None),
    }
}

/// At most what fits.
fn milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn json(value: &impl Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(encode)
}

fn encode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}
