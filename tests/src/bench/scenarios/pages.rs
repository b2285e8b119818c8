//! Pages of 100 tickets of one customer among ten million, at a steady rate: what the back office and a customer's own page
//! ask for all day. The rows are written into the read model by PostgreSQL itself; they are what ten pools would have sold to
//! fifty thousand customers, each of whose tickets lie fifty thousand others from each other.

use anyhow::ensure;
use onsale_proto::v1;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::{Scenario, Settings, contest::figures};
use crate::{
    bench::{
        load::{
            calls::Calls,
            connection::{Connection, Method},
            open,
            template::Template,
        },
        meter::Meter,
        report::{Findings, progress},
    },
    caller::a_pool,
    system::System,
};

/// Tickets of the read model, for each millisecond that a turn takes: ten million in a whole run.
const TICKETS_PER_MS: u64 = 3_334;
/// Each customer has two pages of tickets.
const TICKETS_PER_CUSTOMER: u64 = 200;
/// As many pools sold them.
const POOLS: u64 = 10;
/// Tickets of a page.
const PAGE: i32 = 100;
/// Pages that are asked for in a second.
const PAGES_PER_SECOND: u64 = 200;
/// Customers who ask, far from each other; more pages than are asked for in all rounds.
const ASKED: u64 = 5_000;
/// Customers are taken far from each other: a prime, which no number of customers divides.
const STRIDE: u64 = 7_919;

/// Tickets `$1` to `$2` of the read model, `$3` customers and `$4` pools in turn.
const FILL: &str = "
    INSERT INTO onsale_read.tickets
           (position, last_position, claim_time, buy_time, unit_price, pricing_version, granted, corrupted,
            ticket, claim, pool, customer, state)
    SELECT 2 * n, 2 * n + 1, at, at, 4999, 1, false, false,
           ('00000000-0000-7000-8003-' || lpad(to_hex(n), 12, '0'))::uuid,
           ('00000000-0000-7000-8002-' || lpad(to_hex(n), 12, '0'))::uuid,
           'page-' || n % $4, 'customer-' || n % $3, 'BOUGHT'
      FROM (SELECT n, '2026-01-01Z'::timestamptz + n * interval '1 ms' AS at
              FROM generate_series($1::bigint, $2::bigint) AS n) AS numbered";
/// Of one statement.
const CHUNK: u64 = 1_000_000;

/// Measures in an open loop.
///
/// # Errors
/// The service does not start, the tables cannot be written, or a page is not what was asked for.
pub async fn run(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let system = System::start().await;
    let mut caller = system.caller().await;
    for n in 0..POOLS {
        let name = format!("page-{n}");
        let receipt = caller.create(&name, a_pool(1_000_000)).await?;
        caller.pool(&name, &receipt.consistency_token).await?;
    }
    let tickets = settings.span_ms * TICKETS_PER_MS;
    let customers = tickets / TICKETS_PER_CUSTOMER;
    let mut admin = system.database.admin().await;
    fill(&mut admin, tickets, customers).await?;
    findings.note(Scenario::Pages, "tickets in the read model", tickets, "");
    let first = page(0);
    let shown = caller.queries.list_tickets(first).await?.into_inner();
    ensure!(shown.tickets.len() == 100, "{} rows", shown.tickets.len());

    let options = &system.database.options();
    let mut meter = Meter::new(options, vec![system.query.pid()]).await?;
    let addresses = [system.query.address().to_owned()];
    let connections = Connection::open_all(&addresses, settings.connections).await?;
    let mut rounds = Vec::new();
    for round in 0..settings.rounds {
        let timing = settings.timing();
        let calls = pages(u64::try_from(round)?, customers)?;
        let measured = open::run(&connections, calls, PAGES_PER_SECOND, timing, &mut meter).await?;
        rounds.push(figures(&measured, &mut meter).await?);
    }
    findings.add(Scenario::Pages, "ListTickets", rounds);
    Ok(())
}

/// Pages of customers who have not been asked for, each of another one.
fn pages(round: u64, customers: u64) -> anyhow::Result<Calls> {
    let asked = (round * ASKED..(round + 1) * ASKED).map(|n| n * STRIDE % customers);
    let templates = asked.map(|customer| Template::fixed(&page(customer)));
    let templates = templates.collect::<Result<Vec<_>, _>>()?;
    let order = (0..templates.len()).collect();
    Ok(Calls::in_order(Method::ListTickets, templates, order))
}

fn page(customer: u64) -> v1::ListTicketsRequest {
    v1::ListTicketsRequest {
        customer: format!("customer-{customer}"),
        page_size: PAGE,
        ..Default::default()
    }
}

/// Writes the rows without the indexes, which are made anew after that.
async fn fill(admin: &mut PgConnection, tickets: u64, customers: u64) -> anyhow::Result<()> {
    let schema: String = sqlx::query_scalar(
        "SELECT 'onsale_query_claims_' || generation FROM onsale_query.generations \
          WHERE projection = 'claims' AND state = 'live'",
    )
    .fetch_one(&mut *admin)
    .await?;
    let indexes = sqlx::query(
        "SELECT quote_ident(indexname) AS name, indexdef FROM pg_indexes \
          WHERE schemaname = $1 AND tablename = 'tickets' AND indexname <> 'tickets_pkey'",
    )
    .bind(&schema)
    .fetch_all(&mut *admin)
    .await?;
    for index in &indexes {
        let name: String = index.try_get("name")?;
        // Safe, as below: PostgreSQL itself has said so.
        let drop = AssertSqlSafe(format!("DROP INDEX {schema}.{name}"));
        sqlx::raw_sql(drop).execute(&mut *admin).await?;
    }
    for first in (0..tickets).step_by(usize::try_from(CHUNK)?) {
        let last = (first + CHUNK).min(tickets) - 1;
        sqlx::query(FILL)
            .bind(i64::try_from(first)?)
            .bind(i64::try_from(last)?)
            .bind(i64::try_from(customers)?)
            .bind(i64::try_from(POOLS)?)
            .execute(&mut *admin)
            .await?;
        progress(&format!("  {} of {tickets} tickets", last + 1));
    }
    for index in &indexes {
        let definition: String = index.try_get("indexdef")?;
        let make = AssertSqlSafe(definition);
        sqlx::raw_sql(make).execute(&mut *admin).await?;
    }
    // Gigabytes that were just written are not written out while pages are read.
    let settle = [
        format!("VACUUM (ANALYZE) {schema}.tickets"),
        "CHECKPOINT".to_owned(),
    ];
    for sql in settle {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *admin)
            .await?;
    }
    Ok(())
}
