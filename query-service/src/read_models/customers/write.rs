//! Writing what happened to customers, and whose claims are. Rows never change: writing twice is writing once. Runs in
//! the generation's schema.

use onsale_shared::id::{ClaimId, PoolId};
use sqlx::{
    PgConnection, Row as _,
    types::{
        Uuid,
        chrono::{DateTime, Utc},
    },
};

use super::{ClaimOwner, CustomerEntry};
use crate::read_models::{
    claims::cause_text,
    decode::{id, minor, required},
};

/// Many entries, as one array a column.
#[derive(Default)]
struct Columns<'a> {
    position: Vec<i64>,
    time: Vec<DateTime<Utc>>,
    expire_time: Vec<Option<DateTime<Utc>>>,
    unit_price: Vec<Option<i64>>,
    granted: Vec<bool>,
    claim: Vec<Uuid>,
    ticket: Vec<Option<Uuid>>,
    replaces: Vec<Option<Uuid>>,
    customer: Vec<&'a str>,
    pool: Vec<&'a str>,
    kind: Vec<&'a str>,
    release_cause: Vec<Option<&'a str>>,
    reason: Vec<Option<&'a str>>,
    reference: Vec<Option<&'a str>>,
    payment_reference: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, entry: &'a CustomerEntry) {
        self.position.push(entry.position.get());
        self.time.push(entry.time.to_utc());
        self.expire_time.push(entry.expire_time.map(|t| t.to_utc()));
        self.unit_price
            .push(entry.unit_price.map(|price| price.get()));
        self.granted.push(entry.granted);
        self.claim.push(entry.claim.0);
        self.ticket.push(entry.ticket.map(|ticket| ticket.0));
        self.replaces.push(entry.replaces.map(|ticket| ticket.0));
        self.customer.push(entry.customer.as_str());
        self.pool.push(entry.pool.as_str());
        self.kind.push(entry.kind.as_str());
        self.release_cause.push(entry.release_cause.map(cause_text));
        let reason = entry.reason.as_ref();
        self.reason.push(reason.map(|reason| reason.as_str()));
        let reference = entry.reference.as_ref();
        self.reference.push(reference.map(|r| r.as_str()));
        let payment = entry.payment_reference.as_ref();
        self.payment_reference.push(payment.map(|p| p.as_str()));
    }
}

/// Entries, known or not.
pub(crate) async fn insert_entries(
    connection: &mut PgConnection,
    entries: &[CustomerEntry],
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::default();
    for entry in entries {
        columns.push(entry);
    }
    sqlx::query(
        "INSERT INTO customer_entries (position, time, expire_time, unit_price, granted, claim, ticket, replaces, customer, \
                pool, kind, release_cause, reason, reference, payment_reference) \
         SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::boolean[], \
                $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], \
                $14::text[], $15::text[]) \
             ON CONFLICT DO NOTHING",
    )
    .bind(columns.position)
    .bind(columns.time)
    .bind(columns.expire_time)
    .bind(columns.unit_price)
    .bind(columns.granted)
    .bind(columns.claim)
    .bind(columns.ticket)
    .bind(columns.replaces)
    .bind(columns.customer)
    .bind(columns.pool)
    .bind(columns.kind)
    .bind(columns.release_cause)
    .bind(columns.reason)
    .bind(columns.reference)
    .bind(columns.payment_reference)
    .execute(connection)
    .await
    .map(drop)
}

/// Owners, known or not; the first one of a claim stays.
pub(crate) async fn insert_owners(
    connection: &mut PgConnection,
    owners: &[&ClaimOwner],
) -> Result<(), sqlx::Error> {
    if owners.is_empty() {
        return Ok(());
    }
    let of = |text: fn(&ClaimOwner) -> &str| -> Vec<_> {
        owners.iter().map(|owner| text(owner)).collect()
    };
    let claims: Vec<_> = owners.iter().map(|owner| owner.claim.0).collect();
    let prices: Vec<_> = owners.iter().map(|o| o.unit_price.get()).collect();
    let granted: Vec<_> = owners.iter().map(|owner| owner.granted).collect();
    sqlx::query(
        "INSERT INTO claim_owners (pool, claim, customer, unit_price, granted) \
         SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::boolean[]) \
             ON CONFLICT DO NOTHING",
    )
    .bind(of(|owner| owner.pool.as_str()))
    .bind(claims)
    .bind(of(|owner| owner.customer.as_str()))
    .bind(prices)
    .bind(granted)
    .execute(connection)
    .await
    .map(drop)
}

/// The owners of those of the claims that are there.
pub(crate) async fn owners<'k>(
    connection: &mut PgConnection,
    claims: impl Iterator<Item = &'k (PoolId, ClaimId)>,
) -> Result<Vec<ClaimOwner>, sqlx::Error> {
    let (pools, ids): (Vec<_>, Vec<_>) = claims.map(|(pool, id)| (pool.as_str(), id.0)).unzip();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "SELECT o.pool, o.claim, o.customer, o.unit_price, o.granted \
           FROM unnest($1::text[], $2::uuid[]) AS k (pool, claim) \
           JOIN claim_owners o ON o.pool = k.pool COLLATE \"C\" AND o.claim = k.claim",
    )
    .bind(pools)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let owner = |row| {
        Ok(ClaimOwner {
            pool: required(row, "pool")?,
            claim: ClaimId(id(row, "claim")?),
            customer: required(row, "customer")?,
            unit_price: minor(row, "unit_price")?,
            granted: row.try_get("granted")?,
        })
    };
    rows.iter().map(owner).collect()
}
