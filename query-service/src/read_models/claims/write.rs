//! Writing claims, tickets and voids: absolute rows, so that writing twice is writing once. New rows and known ones are
//! told apart by who loaded them, under the checkpoint's lock; so neither is looked for again.

use sqlx::PgConnection;

use super::{
    ClaimRow, TicketRow, VoidRow, cause_text,
    columns::{ClaimChanges, ClaimConstants, TicketChanges, TicketConstants},
};

type Written = Result<(), sqlx::Error>;

/// Claims that were not there.
pub(crate) async fn insert_claims(connection: &mut PgConnection, rows: &[&ClaimRow]) -> Written {
    if rows.is_empty() {
        return Ok(());
    }
    let (changes, constants) = (ClaimChanges::of(rows), ClaimConstants::of(rows)?);
    let insert = "INSERT INTO claims (pool, claim, last_position, alive_position, update_time, expire_time, held, bought, \
                     refunded, returned, expired, voided, replaced, extended, corrupted, state, position, create_time, \
                     unit_price, pricing_version, granted, customer, reference, labels) \
         SELECT pool, claim, last_position, alive_position, update_time, expire_time, held, bought, refunded, returned, \
                expired, voided, replaced, extended, corrupted, state, position, create_time, unit_price, \
                pricing_version, granted, customer, reference, labels::json \
           FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], \
                       $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], \
                       $13::bigint[], $14::boolean[], $15::boolean[], $16::text[], $17::bigint[], \
                       $18::timestamptz[], $19::bigint[], $20::bigint[], $21::boolean[], $22::text[], $23::text[], \
                       $24::text[]) \
             AS new (pool, claim, last_position, alive_position, update_time, expire_time, held, bought, refunded, \
                     returned, expired, voided, replaced, extended, corrupted, state, position, create_time, \
                     unit_price, pricing_version, granted, customer, reference, labels)";
    bind_claim_changes(insert, changes)
        .bind(constants.position)
        .bind(constants.create_time)
        .bind(constants.unit_price)
        .bind(constants.pricing_version)
        .bind(constants.granted)
        .bind(constants.customer)
        .bind(constants.reference)
        .bind(constants.labels)
        .execute(connection)
        .await
        .map(drop)
}

/// Claims that were there.
pub(crate) async fn update_claims(connection: &mut PgConnection, rows: &[&ClaimRow]) -> Written {
    if rows.is_empty() {
        return Ok(());
    }
    let update = "UPDATE claims c SET \
                (last_position, alive_position, update_time, expire_time, held, bought, refunded, returned, expired, \
                 voided, replaced, extended, corrupted, state) \
              = (new.last_position, new.alive_position, new.update_time, new.expire_time, new.held, new.bought, \
                 new.refunded, new.returned, new.expired, new.voided, new.replaced, new.extended, new.corrupted, \
                 new.state) \
           FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], \
                       $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], \
                       $13::bigint[], $14::boolean[], $15::boolean[], $16::text[]) \
             AS new (pool, claim, last_position, alive_position, update_time, expire_time, held, bought, refunded, \
                     returned, expired, voided, replaced, extended, corrupted, state) \
          WHERE c.pool = new.pool COLLATE \"C\" AND c.claim = new.claim";
    bind_claim_changes(update, ClaimChanges::of(rows))
        .execute(connection)
        .await
        .map(drop)
}

/// Tickets that were not there.
pub(crate) async fn insert_tickets(connection: &mut PgConnection, rows: &[&TicketRow]) -> Written {
    if rows.is_empty() {
        return Ok(());
    }
    let (changes, constants) = (TicketChanges::of(rows), TicketConstants::of(rows));
    let insert = "INSERT INTO tickets (pool, ticket, last_position, buy_time, release_time, refund_time, corrupted, \
                     replaced_by, state, release_cause, payment_reference, grant_reason, refund_reason, position, \
                     claim_time, unit_price, pricing_version, granted, claim, replaces, customer) \
         SELECT pool, ticket, last_position, buy_time, release_time, refund_time, corrupted, replaced_by, state, \
                release_cause, payment_reference, grant_reason, refund_reason, position, claim_time, unit_price, \
                pricing_version, granted, claim, replaces, customer \
           FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], \
                       $6::timestamptz[], $7::boolean[], $8::uuid[], $9::text[], $10::text[], $11::text[], \
                       $12::text[], $13::text[], $14::bigint[], $15::timestamptz[], $16::bigint[], $17::bigint[], \
                       $18::boolean[], $19::uuid[], $20::uuid[], $21::text[]) \
             AS new (pool, ticket, last_position, buy_time, release_time, refund_time, corrupted, replaced_by, state, \
                     release_cause, payment_reference, grant_reason, refund_reason, position, claim_time, unit_price, \
                     pricing_version, granted, claim, replaces, customer)";
    bind_ticket_changes(insert, changes)
        .bind(constants.position)
        .bind(constants.claim_time)
        .bind(constants.unit_price)
        .bind(constants.pricing_version)
        .bind(constants.granted)
        .bind(constants.claim)
        .bind(constants.replaces)
        .bind(constants.customer)
        .execute(connection)
        .await
        .map(drop)
}

/// Tickets that were there.
pub(crate) async fn update_tickets(connection: &mut PgConnection, rows: &[&TicketRow]) -> Written {
    if rows.is_empty() {
        return Ok(());
    }
    let update = "UPDATE tickets t SET \
                (last_position, buy_time, release_time, refund_time, corrupted, replaced_by, state, release_cause, \
                 payment_reference, grant_reason, refund_reason) \
              = (new.last_position, new.buy_time, new.release_time, new.refund_time, new.corrupted, new.replaced_by, \
                 new.state, new.release_cause, new.payment_reference, new.grant_reason, new.refund_reason) \
           FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], \
                       $6::timestamptz[], $7::boolean[], $8::uuid[], $9::text[], $10::text[], $11::text[], \
                       $12::text[], $13::text[]) \
             AS new (pool, ticket, last_position, buy_time, release_time, refund_time, corrupted, replaced_by, state, \
                     release_cause, payment_reference, grant_reason, refund_reason) \
          WHERE t.pool = new.pool COLLATE \"C\" AND t.ticket = new.ticket";
    bind_ticket_changes(update, TicketChanges::of(rows))
        .execute(connection)
        .await
        .map(drop)
}

/// Voids, known or not: they never change.
pub(crate) async fn insert_voids(connection: &mut PgConnection, rows: &[VoidRow]) -> Written {
    for row in rows {
        sqlx::query(
            "INSERT INTO claim_voids (pool, position, time, cause) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(row.pool.as_str())
        .bind(row.position.get())
        .bind(row.time.to_utc())
        .bind(cause_text(row.cause))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn bind_claim_changes<'q>(sql: &'static str, columns: ClaimChanges<'q>) -> Query<'q> {
    sqlx::query(sql)
        .bind(columns.pool)
        .bind(columns.claim)
        .bind(columns.last_position)
        .bind(columns.alive_position)
        .bind(columns.update_time)
        .bind(columns.expire_time)
        .bind(columns.held)
        .bind(columns.bought)
        .bind(columns.refunded)
        .bind(columns.returned)
        .bind(columns.expired)
        .bind(columns.voided)
        .bind(columns.replaced)
        .bind(columns.extended)
        .bind(columns.corrupted)
        .bind(columns.state)
}

fn bind_ticket_changes<'q>(sql: &'static str, columns: TicketChanges<'q>) -> Query<'q> {
    sqlx::query(sql)
        .bind(columns.pool)
        .bind(columns.ticket)
        .bind(columns.last_position)
        .bind(columns.buy_time)
        .bind(columns.release_time)
        .bind(columns.refund_time)
        .bind(columns.corrupted)
        .bind(columns.replaced_by)
        .bind(columns.state)
        .bind(columns.release_cause)
        .bind(columns.payment_reference)
        .bind(columns.grant_reason)
        .bind(columns.refund_reason)
}
